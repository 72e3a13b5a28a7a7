# gone.sh - the witness of a stop: no container of this environment runs, and none comes back by itself. What docker stop's exit status said does not count here.
# Results: service_<n>, as settle.sh has them.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
umask 077
looks=0
while [ "$looks" -lt 3 ]; do
    wl_ours >"$wl_state/now-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
    alive=$(awk -F'|' '$4 != "exited" && $4 != "created" && $4 != "dead" { print $1 " (" $4 ")" }' "$wl_state/now-$WL_JOB" | tr '\n' ' ')
    [ -z "$alive" ] || break
    looks=$((looks + 1))
    [ "$looks" -eq 3 ] || sleep 1
done
[ ! -s "$wl_state/expected" ] || wl_report "$wl_state/expected"
[ -z "$alive" ] || wl_fail "After the stop there still runs: ${alive% }. Fix: look who starts it again; on the server: docker ps --filter label=windlass.environment=$wl_environment"
wl_note "No container of this environment runs."
