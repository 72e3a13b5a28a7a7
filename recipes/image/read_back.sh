# read_back.sh - the variables as the engine has them for the new container, printed for the runner, which compares them with what was saved. Not a log: it holds every value.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
docker inspect --type container "$(wl_name_of web)" >/dev/null 2>&1 || wl_fail "The new container is not there any more, so its variables cannot be read back. Fix: deploy again."
printf 'wl-format environ\n'
# shellcheck disable=SC2016 # Go's template
docker inspect --type container --format '{{range .Config.Env}}{{printf "%s\x00" .}}{{end}}' "$(wl_name_of web)" 2>/dev/null
