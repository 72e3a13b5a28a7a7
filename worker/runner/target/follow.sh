# follow.sh - start a step (START=1) or join it, print its log from byte ORIGIN on, and leave when it has ended, was cut off, or its log has grown over LIMIT.
#
# Standard output is the log's bytes and nothing else; standard error carries lines "wl:<nonce>:..." at the end and a dot every few seconds, so that the
# other side knows that this one lives. coreutils' tail prints at once; busybox's looks once a second, so there we look ourselves. coreutils' tail also waits
# for the step's end without starting a process ten times a second: a busy server would feel it, and a step may take an hour.
# shellcheck shell=sh disable=SC2153,SC2154
cd "$STEP_DIR" || exit 1
: >>log
say() { printf '\nwl:%s:%s\n' "$NONCE" "$*" >&2; }
size() { wc -c <log; }

if [ "$START" = 1 ]; then
    setsid sh "$JOB_DIR/wrapper.sh" "$STEP_DIR" "$NONCE" "$LOCK_DIR" "$JOB" "$EPOCH" </dev/null >/dev/null 2>start.error &
fi

at=$ORIGIN
limited=no
[ ! -f over ] || limited=yes
tail_pid='' waiter='' ticker='' able=no
print_more() { # what is there and was not printed
    end_at=$(size)
    if [ "$limited" = no ] && [ "$end_at" -gt "$at" ]; then
        tail -c "+$((at + 1))" log | head -c "$((end_at - at))"
        at=$end_at
    fi
}
if [ -f end ]; then
    print_more
else
    case $(tail --version 2>/dev/null) in *coreutils*) able=yes ;; esac
fi
if [ "$able" = yes ] && [ "$limited" = no ]; then
    tail -c "+$((at + 1))" -f log 2>/dev/null &
    tail_pid=$!
fi

watch() { # from now on: a process that ends when the wrapper does, and one that breaks our wait for it once a second
    started "$pid"
    [ "$since" = "$start" ] || return 0
    tail -s 0.05 --pid="$pid" -f /dev/null >/dev/null 2>&1 &
    waiter=$!
    started $$
    trap : USR1
    tick "$since" >/dev/null 2>&1 </dev/null &
    ticker=$!
}
tick() { # our start time: when this shell is gone (its connection was lost), so is what waited for it
    trap 'kill "$sleeping"; exit' TERM
    while :; do
        sleep 1 &
        sleeping=$!
        wait "$sleeping"
        started $$
        [ "$since" = "$1" ] || break
        kill -s USR1 $$
    done
    kill "$waiter"
}
unwatch() {
    [ -z "$waiter" ] || kill "$waiter" "$ticker" 2>/dev/null
    waiter='' ticker=''
}

turn=0
how=
while [ -z "$how" ]; do
    if [ -f end ]; then
        how=ended
        break
    fi
    turn=$((turn + 1))
    if [ $((turn % 10)) -eq 0 ]; then
        if [ -f begun ]; then
            alive begun || [ -f end ] || how="cut"
            [ "$able" = no ] || [ -n "$waiter" ] || [ -n "$how" ] || watch
        elif [ -f claim ]; then
            alive claim || [ -f begun ] || how=none
        elif [ "$turn" -ge 50 ]; then
            how=none
        fi
        if [ "$limited" = no ] && [ "$(size)" -gt "$LIMIT" ]; then
            limited=yes
            : >over
            [ -z "$tail_pid" ] || kill "$tail_pid"
            tail_pid=
        fi
        if [ "$limited" = yes ] && [ "$(size)" -gt 1048576 ]; then
            : >log # the step appends: it goes on writing at the new end
        fi
    fi
    [ $((turn % 50)) -ne 0 ] || printf '.' >&2
    [ -n "$tail_pid" ] || [ -n "$how" ] || print_more
    if [ -n "$waiter" ]; then
        wait "$waiter"
        if kill -0 "$waiter" 2>/dev/null; then turn=$((turn - turn % 10 + 9)); else unwatch; fi
    elif [ "$turn" -lt 10 ]; then
        nap 0.02
    else
        nap 0.1
    fi
done
unwatch
if [ -n "$tail_pid" ]; then
    kill "$tail_pid" 2>/dev/null # what it has not printed yet is asked for by offset
fi

printf '\n' >&2 # the dots end here
[ "$limited" = no ] || say over
case $how in
ended)
    read -r nonce status <end
    [ ! -f result ] || tail -n 100 result | head -c 16000 | sed "s/^/wl:$NONCE:r /" >&2
    if ! grep -q '^cause=' result 2>/dev/null; then
        tail -c 20000 log | grep '^wl: ' | tail -n 1 | sed "s/^wl: /wl:$NONCE:c /" >&2
    fi
    if [ "$nonce" = "$NONCE" ]; then say "ended $status $(size)"; else say "foreign 0 $(size)"; fi
    ;;
cut) say "cut 0 $(size)" ;;
none) say "none 0 $(size) $(head -c 300 start.error | tr '\n' ' ')" ;;
esac
