# logs.sh - operation logs: what the services' containers have written, as the engine has kept it, with its times.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_find_docker docker.io
set -- --filter "label=com.docker.compose.project=$wl_project"
[ -z "$WL_SERVICE" ] || set -- "$@" --filter "label=com.docker.compose.service=$WL_SERVICE"
wl_names=$(docker ps -a "$@" --filter label=com.docker.compose.oneoff=False --format '{{.Names}}') || wl_engine_failed "The containers cannot be listed."
[ -n "$wl_names" ] || wl_fail "There is no container of ${WL_SERVICE:-$wl_project}. Fix: see the name, or deploy."
wl_container_logs "$wl_names"
