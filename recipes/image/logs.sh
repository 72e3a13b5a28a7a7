# logs.sh - operation logs: what the containers of the live release have written, as the engine has kept it, with its times.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
wl_names=$(wl_ours --filter "label=windlass.release=$WL_RELEASE_ID" | awk -F'|' -v role="$WL_SERVICE" 'role == "" || $2 == role { print $1 }')
[ -n "$wl_names" ] || wl_fail "There is no container of ${WL_SERVICE:-the live release}. Fix: see the name, or deploy."
wl_container_logs "$wl_names"
