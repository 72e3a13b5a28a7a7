# post_deploy.sh - the team's own command once the new release is proven, in its folder with the app's variables. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
wl_own_command post-deploy "$WL_SET_POST_DEPLOY" "$wl_shared/.env" "The new release serves. Fix: see its output above."
