# maintenance_off.sh - operation maintenance_off: nginx is pointed at the live container again, and requests are seen to arrive there.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
live=$(cat "$wl_state/live" 2>/dev/null)
web=$(wl_of web "${live:-none}" 1)
port=$(wl_label "${web:-none}" port)
[ -n "$port" ] || wl_fail "The container of the live release is gone, so there is nothing to lead requests to. Fix: deploy again, then turn the page off."
[ "$(wl_of web "$live" 4)" = running ] || wl_fail "The container $web does not run, so nginx would answer 502. Fix: start it first, then turn the page off."
if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
    wl_fail "$wl_upstream is not of this environment any more, and what others wrote is not changed. Fix: see who wrote it; choose another file in the settings, and deploy."
fi
before=$wl_state/upstream-before-$WL_JOB
next=$wl_state/upstream-$WL_JOB
[ -f "$before" ] || [ ! -e "$wl_upstream" ] || cp -- "$wl_upstream" "$before" || wl_write_failed "$wl_state" "Keeping the upstream's file"
wl_upstream_text "server 127.0.0.1:$port;" >"$next" || wl_write_failed "$wl_state" "Writing the upstream"
wl_check_lock
wl_put_upstream "$next"
if ! wl_nginx_test; then
    cat "$wl_state/said-$WL_JOB"
    said=$(wl_nginx_said)
    [ ! -f "$before" ] || wl_put_upstream "$before"
    wl_fail "nginx -t refuses the configuration: $said. The maintenance page stays on. Fix: mend what it names."
fi
wl_note "\$ nginx reload: $WL_SET_UPSTREAM is 127.0.0.1:$port"
wl_reload_nginx
if ! wl_arrives "$port" ""; then
    if [ -f "$before" ]; then
        wl_put_upstream "$before"
        wl_reload_nginx
        wl_note "The maintenance page is shown again."
    fi
    wl_arrives_not "$port"
fi
rm -f -- "$wl_maintenance" "$wl_state"/*-"$WL_JOB"
wl_note "$WL_SET_SITE_URL answers $wl_code, seen to arrive at $web on port $port."
