# command.sh - operation command: one shell line in the folder of the live release, with the app's variables. Never repeated.
# shellcheck shell=sh disable=SC2154
wl_places
[ -d "$wl_root/current" ] || wl_fail "There is no live release in $wl_root. Fix: deploy again."
wl_note "In $(cd -P -- "$wl_root/current" && pwd), with the variables of the app:"
wl_note "\$ $WL_COMMAND"
(
    cd -P -- "$wl_root/current" || exit 1
    PORT=$(cat "$wl_state/port" 2>/dev/null || printf '%s' "$WL_SET_PORT")
    export PORT
    set -a
    # shellcheck disable=SC1091
    [ ! -f "$wl_shared/.env" ] || . "$wl_shared/.env"
    set +a
    unset WL_RESULT
    exec sh -c "$WL_COMMAND"
)
status=$?
wl_result status "$status"
[ "$status" -eq 0 ] || wl_fail "The command ended with status $status. Fix: see its output above."
