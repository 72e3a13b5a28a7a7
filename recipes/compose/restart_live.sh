# restart_live.sh - operation restart: the containers that run, or should, are stopped and started again as they are, in Compose's order. One that has done its work and
# ended well (a migration) is left alone.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
[ -f "$wl_root/docker-compose.override.yml" ] || wl_fail "The files of what is live are not in $wl_root any more. Fix: deploy again."
wl_look >"$wl_state/now-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
services=$(awk -F'|' '!($3 == "exited" && $6 == 0 && ($10 == "no" || $10 == "on-failure" || $10 == "")) { print $1 }' "$wl_state/now-$WL_JOB" | sort -u)
[ -n "$services" ] || wl_fail "There is no container of $wl_project to restart. Fix: deploy again, or redeploy."
date +%s >"$wl_state/since-$WL_JOB" || wl_write_failed "$wl_state" "Writing the time"
# shellcheck disable=SC2086 # names of services have no blanks
wl_note "\$ docker compose restart" $services
# shellcheck disable=SC2086
wl_compose "$wl_root" "$wl_root/docker-compose.override.yml" restart $services 2>&1 ||
    wl_fail "docker compose restart failed. Fix: see the lines above."
wl_note "Restarted; now they are watched."
