# stop_live.sh - operation stop: the project's containers are stopped and kept, so that start finds them. Volumes and networks stay.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
[ -f "$wl_root/docker-compose.override.yml" ] || wl_fail "The files of what is live are not in $wl_root any more. Fix: deploy again."
wl_note "\$ docker compose stop"
wl_compose "$wl_root" "$wl_root/docker-compose.override.yml" stop 2>&1 || wl_fail "docker compose stop failed. Fix: see the lines above; on the server: docker compose -p $wl_project stop"
