# start_live.sh - operation start: the containers that were stopped run again, as they were.
# Results: port, which the health check asks.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
[ -s "$wl_state/expected" ] || wl_fail "What should run is not written down ($wl_state/expected is gone). Fix: deploy again."
while IFS= read -r name; do
    wl_check_lock
    wl_start "$name"
done <"$wl_state/expected"
port=$(wl_label "$(wl_name_of web)" port)
[ -z "$port" ] || wl_result port "$port"
