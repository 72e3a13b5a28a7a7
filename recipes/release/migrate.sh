# migrate.sh - the team's own command, once, in the new release's folder with the app's variables. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
wl_own_command migrate "$WL_SET_MIGRATE_COMMAND" "$wl_shared/.env.next-$WL_JOB" \
    "The old release still serves. Fix: see its output above; what it has changed in the database stays changed."
