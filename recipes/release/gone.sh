# gone.sh - the witness of a stop: neither the unit nor our keeper nor the app's own session lives, nothing of ours listens on its port, and nothing comes back by itself.
# shellcheck shell=sh disable=SC2154
wl_places
port=$(cat "$wl_state/port" 2>/dev/null || printf '%s' "$WL_SET_PORT")
alive() { # what still runs, in words; nothing when all is gone
    if [ -n "${WL_SET_UNIT:-}" ]; then
        state=$(wl_systemctl is-active "$WL_SET_UNIT" 2>/dev/null || :)
        case $state in
        inactive | failed) ;;
        '') echo "the state of $WL_SET_UNIT cannot be read" ;;
        *) echo "the unit $WL_SET_UNIT is $state" ;;
        esac
    fi
    for who in keeper app; do
        for file in "$wl_state/$who" "$wl_state/was-$who-$WL_JOB"; do
            session=$(wl_field pid "$file")
            [ -z "$session" ] || [ "$(wl_field boot "$file")" != "$(cat /proc/sys/kernel/random/boot_id)" ] || [ -z "$(wl_session "$session")" ] ||
                echo "processes of session $session (the $who) live"
        done
    done
    # Read from the kernel's own table, so it is seen whoever listens.
    [ -z "$(wl_port_inode "$port")" ] || echo "port $port is listened on by $(wl_process_name "$(wl_port_pid "$port")")"
}
looks=0
while [ "$looks" -lt 3 ]; do
    left=$(alive | head -n 1)
    [ -z "$left" ] || break
    looks=$((looks + 1))
    [ "$looks" -eq 3 ] || sleep 1
done
[ -z "$left" ] || wl_fail "After the stop it is not gone: $left. Fix: look who starts it again, and end that."
rm -f -- "$wl_state"/was-*-"$WL_JOB"
wl_note "Nothing of it runs, and port $port is free."
