# start.sh - the new container runs. Behind nginx beside the old one, on a port of its own, and nobody is sent to it; without nginx the old one is stopped first, since both
# want the same place.
# Results: port, which the health check asks.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
name=$(wl_name_of web)
printf '%s\n' "$name" >"$wl_state/expected.next" || wl_write_failed "$wl_state" "Writing what is expected"
if ! wl_is_behind_nginx; then
    wl_running | awk -F'|' -v new="$WL_RELEASE_ID" '$2 == "web" && $3 != new { print $1 }' >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
    while IFS= read -r old; do
        wl_check_lock
        wl_stop "$old"
    done <"$wl_state/stop-$WL_JOB"
    rm -f -- "$wl_state/stop-$WL_JOB"
fi
wl_start "$name"
mv -fT -- "$wl_state/expected.next" "$wl_state/expected" || wl_write_failed "$wl_state" "Writing what is expected"
if ! wl_is_behind_nginx; then
    wl_say "$WL_RELEASE_ID" live
    wl_say "$WL_VERSION" version
fi
port=$(wl_label "$name" port)
[ -z "$port" ] || wl_result port "$port"
wl_note "$name runs${port:+ on port $port}."
