# command.sh - operation command: one shell line in a service's running container, or in a container of its own that is removed after it. Never repeated.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
[ -f "$wl_root/docker-compose.override.yml" ] || wl_fail "The files of what is live are not in $wl_root any more. Fix: deploy again."
[ -n "$WL_SERVICE" ] || wl_fail "No service was named. Fix: choose one."
wl_mark=WL_COMMAND_OF=$WL_JOB
if [ "$WL_HOW" = once ]; then
    wl_note "In a container of its own, of the service $WL_SERVICE:"
    set -- run --rm --no-deps -T -e "$wl_mark" --name "$wl_project-command-$WL_JOB" --entrypoint sh "$WL_SERVICE" -c "$WL_COMMAND"
else
    wl_container=$(docker ps -q --no-trunc --filter "label=com.docker.compose.project=$wl_project" --filter "label=com.docker.compose.service=$WL_SERVICE" --filter label=com.docker.compose.oneoff=False | head -n 1)
    [ -n "$wl_container" ] || wl_fail "No container of the service $WL_SERVICE runs. Fix: start it, or let the command have a container of its own."
    wl_note "In the container $(docker inspect --format '{{slice .Name 1}}' "$wl_container" 2>/dev/null) of the service $WL_SERVICE:"
    set --
fi
wl_note "\$ $WL_COMMAND"
if [ "$WL_HOW" = once ]; then
    trap 'docker rm -f "$wl_project-command-$WL_JOB" >/dev/null 2>&1' TERM INT
    wl_compose "$wl_root" "$wl_root/docker-compose.override.yml" "$@" 2>&1 &
else
    trap 'wl_end_marked "$wl_container" "$wl_mark"' TERM INT
    docker exec -e "$wl_mark" "$wl_container" sh -c "$WL_COMMAND" 2>&1 &
fi
wl_await "$!"
rm -f -- "$wl_state"/*-"$WL_JOB"
wl_result status "$wl_status"
[ "$wl_status" -eq 0 ] || wl_command_failed "$wl_status"
