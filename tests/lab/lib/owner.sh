#!/bin/bash
# owner.sh - who a piece of the lab belongs to, and where it is noted (sourced by lab.sh).
#
# An owner is "BOOT.NAMESPACE.PID.START": a process of one boot in one pid namespace, so that no later process can be taken for it. The
# developer's lab has no process: its owner is "BOOT.kept.NAME", and LAB_UP_AS is that name while it is started or ended.
LAB_UP_AS=

LAB_CACHE=${WL_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/windlass-lab}
LAB_STATE=${WL_LAB_STATE:-/tmp/windlass-lab-$(id -u)}

lab_fail() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# /tmp is everybody's: the folder must be ours.
lab_state() {
    [ "$(id -u)" = 0 ] || lab_fail "needs root: it starts containers with all capabilities"
    mkdir -m 700 "$LAB_STATE" 2>/dev/null
    if [ ! -d "$LAB_STATE" ] || [ ! -O "$LAB_STATE" ] || [ -L "$LAB_STATE" ]; then
        lab_fail "$LAB_STATE is not a folder of ours"
    fi
    mkdir -p "$LAB_CACHE"
}

# Asked of each owner once a second by the engine's keeper (engine.sh): no process is started for the answer.
read -r LAB_BOOT </proc/sys/kernel/random/boot_id
LAB_BOOT=${LAB_BOOT:0:8}
LAB_SPACE=$(readlink /proc/self/ns/pid)
LAB_SPACE=${LAB_SPACE//[!0-9]/}

# Sets LAB_BEGUN: when the process began, in ticks since the boot; 1 when there is none or it is a zombie.
lab_begun() { # pid
    local stat
    LAB_BEGUN=
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086  # words, behind the name, which may hold spaces
    set -- ${stat##*) }
    [ "$1" != Z ] && LAB_BEGUN=${20}
}

lab_process() { # pid -> owner
    lab_begun "$1" || return 1
    printf '%s.%s.%s.%s\n' "$LAB_BOOT" "$LAB_SPACE" "$1" "$LAB_BEGUN"
}

# The owner of what this call of lab.sh makes.
lab_owner() {
    if [ -n "$LAB_UP_AS" ] && [ -z "${WL_LAB_OWNER:-}" ]; then
        printf '%s.kept.%s\n' "$LAB_BOOT" "$LAB_UP_AS"
    else
        lab_process "${WL_LAB_OWNER:-$PPID}" || lab_fail "no process ${WL_LAB_OWNER:-$PPID} to own it"
    fi
}

lab_owner_lives() { # owner
    local boot space pid begun
    IFS=. read -r boot space pid begun <<<"$1"
    [ "$boot" = "$LAB_BOOT" ] || return 1
    [ "$space" != kept ] || return 0
    [ "$space" = "$LAB_SPACE" ] || return 0 # not ours to judge
    lab_begun "$pid" && [ "$LAB_BEGUN" = "$begun" ]
}

# One at a time, for what is shared by all owners. The lock goes with the process that holds it, whatever ends it.
lab_locked() { # name, command...
    local name=$1 lock status
    shift
    exec {lock}>"$LAB_CACHE/$name.lock"
    flock "$lock"
    "$@"
    status=$?
    exec {lock}>&-
    return $status
}

# Start a program that outlives this call, in a session of its own and with none of our descriptors (a lock would be held for ever). $! is
# its pid.
lab_detach() { # log, command...
    local log=$1
    shift
    (
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            [ "$fd" -le 2 ] || eval "exec $fd>&-"
        done
        exec setsid "$@" </dev/null >>"$log" 2>&1
    ) &
}

# Poll until the command succeeds; the deadline is in seconds.
lab_until() { # seconds, command...
    local end=$((${EPOCHREALTIME%.*} + $1))
    shift
    until "$@"; do
        [ "${EPOCHREALTIME%.*}" -lt "$end" ] || return 1
        sleep 0.1
    done
}

lab_is_gone() { # owner
    ! lab_owner_lives "$1"
}

# End a process that the lab has started, known by what lab_process said of it.
lab_end() { # owner
    local pid
    [ -n "${1:-}" ] && lab_owner_lives "$1" || return 0
    pid=${1%.*}
    pid=${pid##*.}
    kill "$pid" 2>/dev/null
    lab_until 20 lab_is_gone "$1" || kill -KILL "$pid" 2>/dev/null
    lab_until 5 lab_is_gone "$1"
}
