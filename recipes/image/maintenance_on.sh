# maintenance_on.sh - operation maintenance_on: nginx answers 503 with a page of its own and Retry-After instead of asking the containers, which go on running. The upstream leads to a
# server on a port of ours, in the same file, so that the swap is the same one rename as in a deploy. Seen to answer, or put back.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
    wl_fail "$wl_upstream is not of this environment, and what others wrote is not changed. Fix: see who wrote it; choose another file in the settings, and deploy."
fi
[ -e "$wl_upstream" ] || wl_fail "$wl_upstream is gone. Fix: deploy again, which writes it."
before=$wl_state/upstream-before-$WL_JOB
next=$wl_state/upstream-$WL_JOB
[ -f "$before" ] || cp -- "$wl_upstream" "$before" || wl_write_failed "$wl_state" "Keeping the upstream's file"
port=$(cat "$wl_maintenance" 2>/dev/null) || port=$(wl_free_port) || wl_no_port

back() { # the file as it was, and nginx too
    wl_put_upstream "$before"
    rm -f -- "$wl_maintenance"
    ! wl_nginx_test || wl_reload_nginx
}

{
    wl_upstream_text "server 127.0.0.1:$port; # the maintenance page"
    printf 'server {\n    listen 127.0.0.1:%s;\n    server_name _;\n    default_type text/html;\n    charset utf-8;\n    location / {\n' "$port"
    printf '        add_header Retry-After %s always;\n        add_header Cache-Control no-store always;\n        add_header X-Windlass-Maintenance %s always;\n' 120 "$wl_environment"
    printf "        return 503 '%s';\n    }\n}\n" '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Back soon</title><body style="font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem"><h1>Back soon</h1><p>We are working on this site. Please try again in a few minutes.</p>'
} >"$next" || wl_write_failed "$wl_state" "Writing the maintenance page"
wl_check_lock
wl_say "$port" maintenance
wl_put_upstream "$next"
if ! wl_nginx_test; then
    cat "$wl_state/said-$WL_JOB"
    said=$(wl_nginx_said)
    wl_put_upstream "$before"
    rm -f -- "$wl_maintenance"
    wl_fail "nginx -t refuses the maintenance page: $said. $wl_upstream is as it was, and nginx was not reloaded. Fix: mend what it names."
fi
wl_note "\$ nginx reload: $WL_SET_UPSTREAM is the maintenance page on 127.0.0.1:$port"
wl_reload_nginx
if ! wl_shows_maintenance; then
    back
    wl_fail "$WL_SET_SITE_URL answers $wl_code and not the maintenance page; everything was put back as it was. Fix: the site's configuration must say proxy_pass http://$WL_SET_UPSTREAM; and must not intercept 503."
fi
rm -f -- "$wl_state"/*-"$WL_JOB"
wl_result port "$port"
wl_note "$WL_SET_SITE_URL answers 503 with the maintenance page; the containers run on."
