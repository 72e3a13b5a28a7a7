# switch_back.sh - undo of everything from create.sh on: nginx points at the old container again, the old workers run, the containers of the new release are stopped. Each line may be
# repeated after a cut. Without anything before, the new containers are stopped; volumes stay.
# Results: version and port (of what serves now, for the health check), nothing_before=1 when there is nothing to go back to, served_throughout=1 when nginx was
# never pointed elsewhere and the old container never stopped.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
if [ ! -d "$wl_before" ]; then
    wl_note "Nothing was made yet."
    old=$(cat "$wl_state/live" 2>/dev/null || :)
    wl_running >"$wl_state/running-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
    running=$wl_state/running-$WL_JOB
else
    old=$(cat "$wl_before/live" 2>/dev/null || :)
    running=$wl_before/running
fi
trap 'rm -f -- "$wl_state/running-$WL_JOB" "$wl_state/down-$WL_JOB"' EXIT
web=
[ -z "$old" ] || web=$(wl_of web "$old" 1)
if [ -n "$old" ] && [ -z "$web" ]; then
    wl_fail "The container of the release that was live before is gone ($old). Fix: deploy a release that works."
fi
throughout=1

stop_new() { # role or nothing: the containers of the release that is given up
    wl_running | awk -F'|' -v new="$WL_RELEASE_ID" -v role="$1" '$3 == new && (role == "" || $2 == role) { print $1 }' >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
    while IFS= read -r name; do
        wl_stop "$name"
    done <"$wl_state/stop-$WL_JOB"
    rm -f -- "$wl_state/stop-$WL_JOB"
}

# --- the old containers run again ----------------------------------------------------------------------------------------------
wl_is_behind_nginx || stop_new web
if [ -n "$web" ] && [ "$(wl_of web "$old" 4)" != running ]; then
    : >"$wl_state/restarted-$WL_JOB" || wl_write_failed "$wl_state" "Writing down what serves"
    wl_check_lock
    wl_start "$web"
    docker update --restart unless-stopped "$web" >/dev/null 2>&1 || :
fi
[ ! -e "$wl_state/restarted-$WL_JOB" ] || throughout=
awk -F'|' -v old="$old" '$2 != "web" && $3 == old { print $1 }' "$running" | while IFS= read -r name; do
    [ "$(docker inspect --type container --format '{{.State.Running}}' "$name" 2>/dev/null)" = true ] || wl_start "$name" || exit 1
done || exit 1

# --- nginx points at the old one -------------------------------------------------------------------------------------------------
back() { # the file as it was. Without one before: none, or, where the site needs the name, one that leads nowhere
    if [ -f "$wl_before/upstream" ]; then
        wl_put_upstream "$wl_before/upstream"
        return
    fi
    rm -f -- "$wl_upstream"
    wl_nginx_test && return
    wl_upstream_text "server 127.0.0.1:1 down; # nothing is live" >"$wl_state/down-$WL_JOB" || wl_write_failed "$wl_state" "Writing the upstream"
    wl_put_upstream "$wl_state/down-$WL_JOB"
}

if wl_is_behind_nginx && [ -d "$wl_before" ]; then
    if [ -f "$wl_switched" ] || { [ -e "$wl_upstream" ] && ! cmp -s "$wl_before/upstream" "$wl_upstream"; }; then
        [ ! -f "$wl_switched" ] || throughout=
        wl_check_lock
        if [ ! -e "$wl_upstream" ] || wl_is_our_upstream; then back; fi
        if wl_nginx_test; then
            wl_reload_nginx
        else
            cat "$wl_state/said-$WL_JOB"
            wl_fail "nginx -t refuses the configuration although the upstream's file is as it was: $(wl_nginx_said). Fix: mend what it names, then: sudo nginx -s reload"
        fi
        if [ -n "$web" ]; then
            port=$(wl_label "$web" port)
            wl_arrives "$port" "$(wl_of web "$WL_RELEASE_ID" 5)" || wl_note "It was not seen that requests at $WL_SET_SITE_URL arrive at the old container (the last answer was $wl_code)."
            wl_note "nginx points at the old container on port $port again."
        fi
    fi
    name=$(wl_of web "$WL_RELEASE_ID" 1)
    if [ -f "$wl_switched" ] && [ -n "$web" ] && [ "$(wl_of web "$WL_RELEASE_ID" 4)" = running ]; then
        wl_drain "$(wl_label "$name" port)" "$(($(date +%s) + ${WL_SET_DRAIN_S:-30}))"
    fi
fi
stop_new ""

# --- what is live --------------------------------------------------------------------------------------------------------------------
if [ -d "$wl_before" ]; then
    for file in live version; do
        if [ -f "$wl_before/$file" ]; then wl_say "$(cat "$wl_before/$file")" "$file"; else rm -f -- "$wl_state/$file"; fi
    done
fi
if [ -z "$web" ]; then
    wl_result nothing_before 1
    wl_note "Nothing was live before: the new containers are stopped. Volumes stay."
    exit 0
fi
{ printf '%s\n' "$web" && awk -F'|' -v old="$old" '$2 != "web" && $3 == old { print $1 }' "$running"; } >"$wl_state/expected.next" || wl_write_failed "$wl_state" "Writing what is expected"
mv -fT -- "$wl_state/expected.next" "$wl_state/expected" || wl_write_failed "$wl_state" "Writing what is expected"
port=$(wl_label "$web" port)
[ -z "$port" ] || wl_result port "$port"
wl_result version "$(cat "$wl_state/version" 2>/dev/null)"
[ -z "$throughout" ] || wl_result served_throughout 1
wl_note "$web serves${throughout:+, and has served all the time}; the new containers are stopped."
