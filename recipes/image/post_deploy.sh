# post_deploy.sh - the team's own command once the new release is proven, in a container of its own made from the new image. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
wl_image_hook post_deploy "${WL_SET_POST_DEPLOY:-}" "The new release serves."
