# switch.sh - nginx is pointed at the new container, which is proven healthy by now: the upstream's file is replaced, nginx tests it, is reloaded, and then asked for the site until
# the answers are seen to come from the new container. When nginx does not like the file, the old one is put back and nginx was not told of any of it.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
name=$(wl_name_of web)
port=$(wl_label "$name" port)
[ -n "$port" ] || wl_fail "The new container $name is gone. Fix: deploy again; see who removes containers there."
old_port=$(awk -F'|' '$2 == "web" { print $5; exit }' "$wl_before/running" 2>/dev/null)
if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
    wl_fail "$wl_upstream is not of this environment any more, and what others wrote is not changed. Fix: see who wrote it; choose another file in the settings."
fi

if [ -e "$wl_maintenance" ]; then # somebody turned it on, and it is theirs to turn off: the release is proven on its own port
    wl_say "$WL_RELEASE_ID" live
    wl_say "$WL_VERSION" version
    wl_note "The maintenance page stays on: nginx was not touched. When it is turned off, requests come to the new container on port $port."
    exit 0
fi
next=$wl_state/upstream-$WL_JOB
trap 'rm -f -- "$next"' EXIT
wl_upstream_text "server 127.0.0.1:$port;" >"$next" || wl_write_failed "$wl_state" "Writing the upstream"
wl_check_lock
wl_put_upstream "$next"
if ! wl_nginx_test; then
    cat "$wl_state/said-$WL_JOB"
    said=$(wl_nginx_said)
    if [ -f "$wl_before/upstream" ]; then wl_put_upstream "$wl_before/upstream"; else rm -f -- "$wl_upstream"; fi
    wl_fail "nginx -t refuses the new configuration: $said. $wl_upstream is as it was, and nginx was not reloaded. Fix: mend what it names."
fi
[ -f "$wl_switched" ] || date +%s >"$wl_switched" || wl_write_failed "$wl_state" "Writing the time"
wl_note "\$ nginx reload: $WL_SET_UPSTREAM is 127.0.0.1:$port${old_port:+, was 127.0.0.1:$old_port}"
wl_reload_nginx
wl_arrives "$port" "$old_port" || wl_arrives_not "$port"
wl_say "$WL_RELEASE_ID" live
wl_say "$WL_VERSION" version
wl_result through_nginx "$wl_code"
wl_note "$WL_SET_SITE_URL answers $wl_code, seen to arrive at the new container on port $port."
