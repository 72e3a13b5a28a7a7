# stop_live.sh - operation stop: the app is ended, the unit or our own keeper of it first, and stays so. Files and data stay.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
port=$(cat "$wl_state/port" 2>/dev/null || printf '%s' "$WL_SET_PORT")
umask 077
for who in keeper app; do # for gone.sh: who they were
    [ ! -f "$wl_state/$who" ] || cp -- "$wl_state/$who" "$wl_state/was-$who-$WL_JOB" || wl_write_failed "$wl_state" "Writing down what runs"
done
wl_end_app
if [ -n "${WL_SET_UNIT:-}" ]; then
    wl_note "\$ systemctl stop $WL_SET_UNIT"
    wl_systemctl stop "$WL_SET_UNIT" || wl_unit_refused stop
fi
