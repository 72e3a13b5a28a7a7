# gone.sh - the witness of a stop: no container of the project runs, and none comes back by itself. What stop's exit status said does not count here.
# Results: service_<n>, as settle.sh has them.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
now=$wl_state/now-$WL_JOB
looks=0
while [ "$looks" -lt 3 ]; do
    wl_look >"$now" || wl_engine_failed "The containers cannot be listed."
    alive=$(awk -F'|' '$3 != "exited" && $3 != "created" && $3 != "dead" { print $1 " (" $3 ")" }' "$now" | tr '\n' ' ')
    [ -z "$alive" ] || break
    looks=$((looks + 1))
    [ "$looks" -eq 3 ] || sleep 1
done
sort "$now" >"$now.sorted"
n=0
while IFS='|' read -r service name status health restarts code oom started image policy ref memory ports id; do
    n=$((n + 1))
    [ "$n" -gt 40 ] || wl_result "service_$n" "$service$tab${name#/}$tab$status$tab$tab$restarts$tab$ref$tab$tab$code"
    wl_note "  $service: $status"
done <"$now.sorted"
rm -f -- "$now" "$now.sorted"
[ -z "$alive" ] || wl_fail "After the stop there still runs: ${alive% }. Fix: look who starts it again; on the server: docker compose -p $wl_project ps"
wl_note "No container of $wl_project runs."
