# start_live.sh - operation start: Compose starts the containers that were stopped, and makes anew those that somebody removed meanwhile; images and variables are those of the release.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
[ -f "$wl_root/docker-compose.override.yml" ] || wl_fail "The files of what is live are not in $wl_root any more. Fix: deploy again."
wl_up "$wl_root" "$wl_root/docker-compose.override.yml"
