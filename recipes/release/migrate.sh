# migrate.sh - the team's own command, once, in the new release's folder with the app's variables. Not idempotent: nobody but a person repeats it.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
cd -- "$wl_release" || wl_fail "The release's folder is gone: $wl_release. Fix: deploy again."
wl_note "\$ $WL_SET_MIGRATE_COMMAND"
(
    PORT=$WL_SET_PORT
    export PORT
    set -a
    # shellcheck disable=SC1090 # written by env.sh
    [ ! -f "$wl_shared/.env.next-$WL_JOB" ] || . "$wl_shared/.env.next-$WL_JOB"
    set +a
    exec sh -c "$WL_SET_MIGRATE_COMMAND"
)
status=$?
[ "$status" -eq 0 ] || wl_fail "The migrate command ended with status $status. The old release still serves. Fix: see its output above; what it has changed in the database stays changed."
