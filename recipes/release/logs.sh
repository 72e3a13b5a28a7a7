# logs.sh - operation logs: the app's own output, of the unit or of our keeper's file. Its lines are as the app wrote them.
# shellcheck shell=sh disable=SC2154
wl_places
lines=$WL_LINES
if [ -n "${WL_SET_UNIT:-}" ]; then
    scope=
    [ "${WL_SET_UNIT_SCOPE:-system}" != user ] || scope=--user
    set -- journalctl ${scope:+"$scope"} -u "$WL_SET_UNIT" --no-pager -q -o short-iso -n "$lines"
    [ "$WL_SINCE_S" -eq 0 ] || set -- "$@" --since "@$(($(date +%s) - WL_SINCE_S))"
    [ "$WL_FOLLOW_S" -eq 0 ] || set -- "$@" -f
    command -v journalctl >/dev/null || wl_fail "journalctl is not here. Fix: apt-get install systemd"
else
    file=$wl_shared/log/app.log
    [ -f "$file" ] || wl_fail "The app has written nothing yet: there is no $file. Fix: deploy, or start it."
    [ "$WL_SINCE_S" -eq 0 ] || wl_note "The lines of $file have no times of ours, so the newest $lines are shown."
    set -- tail -n "$lines"
    [ "$WL_FOLLOW_S" -eq 0 ] || set -- "$@" -f
    set -- "$@" -- "$file"
fi
wl_follow "" "$@"
wl_follow_end
