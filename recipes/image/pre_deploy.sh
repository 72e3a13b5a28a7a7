# pre_deploy.sh - the team's own command before the switch, in a container of its own made from the new image. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
wl_image_hook pre_deploy "${WL_SET_PRE_DEPLOY:-}" "Nothing that serves was changed."
