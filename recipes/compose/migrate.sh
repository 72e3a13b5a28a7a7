# migrate.sh - the team's own commands that change data, in the new release while the old one serves. Not idempotent: nobody but a person repeats them.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
wl_hook_before migrate "${WL_SET_MIGRATE:-}" "The old release still serves; what the command has changed in the data stays changed."
