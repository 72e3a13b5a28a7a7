# pre_deploy.sh - the team's own command before the switch, once, in the new release's folder with the app's variables. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
wl_own_command pre-deploy "$WL_SET_PRE_DEPLOY" "$wl_shared/.env.next-$WL_JOB" "Nothing that serves was changed. Fix: see its output above."
