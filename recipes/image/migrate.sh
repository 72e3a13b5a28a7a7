# migrate.sh - the team's own command that changes data, in the new release while the old one serves, in a container of its own made from the new image. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
wl_image_hook migrate "${WL_SET_MIGRATE:-}" "The old release still serves; what the command has changed in the data stays changed."
