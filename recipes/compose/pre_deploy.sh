# pre_deploy.sh - the team's own commands before the switch, each in a container of its own made from the new release. Not idempotent: nobody but a person repeats them.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
wl_hook_before pre_deploy "${WL_SET_PRE_DEPLOY:-}" "Nothing that serves was changed."
