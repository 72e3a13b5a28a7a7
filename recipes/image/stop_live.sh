# stop_live.sh - operation stop: every container of this environment that runs is stopped and kept, so that start finds it. Volumes stay; nginx answers 502 until something runs again.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
wl_running | cut -d'|' -f1 >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
while IFS= read -r name; do
    wl_check_lock
    wl_stop "$name"
done <"$wl_state/stop-$WL_JOB"
