# restart.sh - the running app becomes what `current` points to; with no `current`, it is stopped. Forward and undo use the same script.
#
# A systemd unit where one is set. Else a keeper of ours: a loop in a session of its own that runs the start command, starts it again with
# growing pauses when it ends, and ends it when told. Both pids are written down with their start times, so that a reused pid is never taken for
# ours. The keeper does not survive a reboot of the server; a unit does.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
release=$(readlink "$wl_root/current" 2>/dev/null || :)
command=${WL_SET_START_COMMAND:-}
port=$WL_SET_PORT
if [ -f "$wl_state/back-$WL_JOB.start" ]; then # going back: as the old release was started, not as the new settings say
    command=$(cat "$wl_state/back-$WL_JOB.start")
    port=$(cat "$wl_state/back-$WL_JOB.port")
fi

# --- our own keeper ends first, also when a unit has taken its place since ---------------------------------------------------
wl_end_app

# --- with systemd ------------------------------------------------------------------------------------------------------------
if [ -n "${WL_SET_UNIT:-}" ]; then
    if [ -z "$release" ]; then
        wl_systemctl stop "$WL_SET_UNIT" || wl_unit_refused stop
        wl_note "Stopped $WL_SET_UNIT: there is no release to run."
        exit 0
    fi
    wl_systemctl restart "$WL_SET_UNIT" || wl_unit_refused restart
    sleep 1
    state=$(wl_systemctl is-active "$WL_SET_UNIT" 2>/dev/null || :)
    case $state in
    active | activating | reloading | '') wl_note "Restarted $WL_SET_UNIT (${state:-state not readable})" ;;
    *) wl_fail "The unit $WL_SET_UNIT is $state after the restart. Fix: look at journalctl -u $WL_SET_UNIT on the server." ;;
    esac
    exit 0
fi

if [ -z "$release" ]; then
    wl_note "Stopped: there is no release to run."
    exit 0
fi

# --- the port must be free now -----------------------------------------------------------------------------------------------
owner=$(wl_port_pid "$port")
if [ -n "$owner" ] && wl_is_ours "$owner"; then
    kill -s TERM "$owner" 2>/dev/null || : # of ours, but not written down: a keeper was killed before it could
fi
tries=0
while owner=$(wl_port_pid "$port") && [ -n "$owner" ] && [ "$tries" -lt 20 ]; do
    tries=$((tries + 1))
    sleep 0.5 2>/dev/null || sleep 1
done
[ -z "$owner" ] || wl_fail "Port $port is taken by $(wl_process_name "$owner"). Fix: end that process, or give the app another port in the settings."

# --- start -------------------------------------------------------------------------------------------------------------------
{ mkdir -p -- "$wl_state" "$wl_shared/log" && chmod 0750 "$wl_shared/log"; } || wl_write_failed "$wl_root" "Making folders"
cat >"$wl_state/keeper.sh" <<'KEEPER' || wl_write_failed "$wl_state" "Writing the keeper"
# Written by Windlass at each restart; started by it with the app's folder as $1 and the port as $2. Keeps the command in .windlass/start alive.
root=$1
PORT=$2
export PORT
state=$root/.windlass
log=$root/shared/log/app.log
boot=$(cat /proc/sys/kernel/random/boot_id)
started() { { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0; stat=${stat##*) }; set -- $stat; echo "${20}"; }
record() { printf 'pid=%s\nstart=%s\nboot=%s\n' "$1" "$(started "$1")" "$boot" >"$2.part" && mv -f "$2.part" "$2"; }
child=
trap 'ended=1; [ -z "$child" ] || kill -TERM "-$child" 2>/dev/null' TERM INT # -s and -- are not both understood by dash and busybox
ended=
record $$ "$state/keeper"
pause=1
while [ -z "$ended" ] && [ ! -e "$state/stopping" ]; do
    [ ! -f "$log" ] || [ "$(wc -c <"$log")" -lt 10485760 ] || mv -f "$log" "$log.1"
    cd -P "$root/current" || exit 1
    pwd -P >"$state/serving"
    setsid sh -c 'set -a; [ ! -f "$1/shared/.env" ] || . "$1/shared/.env"; set +a; start=$(cat "$1/.windlass/start"); set --; eval "$start"' \
        sh "$root" </dev/null >>"$log" 2>&1 &
    child=$!
    record "$child" "$state/app"
    begun=$(date +%s)
    wait "$child"
    status=$?
    while kill -0 "$child" 2>/dev/null; do wait "$child"; status=$?; done # a signal interrupts wait
    [ -z "$ended" ] && [ ! -e "$state/stopping" ] || break
    [ $(($(date +%s) - begun)) -lt 30 ] || pause=1
    printf 'windlass: the app ended with status %s; starting it again in %s s\n' "$status" "$pause" >>"$log"
    echo "$status" >"$state/last_status"
    sleep "$pause"
    pause=$((pause * 2))
    [ "$pause" -le 30 ] || pause=30
done
KEEPER
{ printf '%s\n' "$command" >"$wl_state/start" && printf '%s\n' "$port" >"$wl_state/port"; } || wl_write_failed "$wl_state" "Writing the start command"
rm -f -- "$wl_state/last_status" "$wl_state/app"
before_log=$(wc -c 2>/dev/null <"$wl_shared/log/app.log" || echo 0)
setsid sh "$wl_state/keeper.sh" "$wl_root" "$port" </dev/null >/dev/null 2>&1 &

tail_of_log() {
    tail -c +"$((before_log + 1))" "$wl_shared/log/app.log" 2>/dev/null | tail -n 20
}

# A command that cannot even start is told here, with its own words; everything later is for the health check to see.
# A busy server may need seconds until the keeper has written down whom it started.
tries=0
while [ "$tries" -lt 12 ] || { [ ! -e "$wl_state/app" ] && [ "$tries" -lt 150 ]; }; do
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
    if [ -e "$wl_state/last_status" ]; then
        tail_of_log
        wl_fail "The app ended at once with status $(cat "$wl_state/last_status"): $(tail_of_log | grep -v '^windlass: ' | tail -n 1). Fix: see its output above; run the start command by hand in $wl_root/current."
    fi
    [ ! -e "$wl_state/app" ] || [ -z "$(wl_port_inode "$port")" ] || break # the app may listen before it is written down
done
pid=$(wl_field pid "$wl_state/app")
wl_is_running "$pid" "$(wl_field start "$wl_state/app")" || wl_fail "The app did not start. Fix: see $wl_shared/log/app.log on the server."
wl_result pid "$pid"
wl_note "Started $release as process $pid; its output goes to $wl_shared/log/app.log"
