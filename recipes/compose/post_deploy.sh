# post_deploy.sh - the team's own commands once the new release is proven, each in a container of its own. Not idempotent: nobody but a person repeats them.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
wl_hook_is_free --filter "label=com.docker.compose.project=$wl_project"
wl_hook_folder=$wl_home
wl_hook_pins=$wl_pins
wl_hook post_deploy "${WL_SET_POST_DEPLOY:-}" "The new release serves."
rm -f -- "$wl_state/engine-$WL_JOB"
