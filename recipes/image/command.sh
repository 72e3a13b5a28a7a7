# command.sh - operation command: one shell line in the running container of a role. Never repeated.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
umask 077
[ "$WL_HOW" != once ] || wl_fail "This recipe runs commands in a running container only. Fix: choose that."
wl_container=$(wl_running | awk -F'|' -v role="${WL_SERVICE:-web}" -v live="$WL_RELEASE_ID" '$2 == role && $3 == live { print $1; exit }')
[ -n "$wl_container" ] || wl_fail "No container of the role ${WL_SERVICE:-web} runs. Fix: start it first."
wl_mark=WL_COMMAND_OF=$WL_JOB
wl_note "In the container $wl_container:"
wl_note "\$ $WL_COMMAND"
trap 'wl_end_marked "$wl_container" "$wl_mark"' TERM INT
docker exec -e "$wl_mark" "$wl_container" sh -c "$WL_COMMAND" 2>&1 &
wl_await "$!"
wl_result status "$wl_status"
[ "$wl_status" -eq 0 ] || wl_command_failed "$wl_status"
