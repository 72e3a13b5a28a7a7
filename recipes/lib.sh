# lib.sh - what every step script may count on. The runner puts this file in front of each script of a recipe; POSIX sh (dash, busybox).
#
# The inputs are assignments on standard input (never in argv, never in a world-readable file); they are read here, before the script's first
# line, and standard input is then /dev/null. A script that is itself sent on standard input says so with WL_INPUT=inline.
# No pipefail in POSIX sh: where a stage before the last one may fail, keep its status in a file.
# shellcheck shell=sh disable=SC2034,SC2153
set -u
umask 022
PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LC_ALL=C
export PATH LC_ALL
if [ "${WL_INPUT:-}" != inline ]; then
    WL_INPUT=$(cat)
    eval "$WL_INPUT"
    WL_INPUT=
    exec </dev/null
fi

# --- what people see -----------------------------------------------------------------------------------------------------
wl_note() { # a line of the log that is ours
    printf '%s\n' "$*"
}

wl_result() { # key value: one line of the step's results (a line break in the value becomes a space)
    if [ -n "${WL_RESULT:-}" ]; then
        printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n\r' '  ')" >>"$WL_RESULT"
    else
        printf 'wl-result %s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n\r' '  ')"
    fi
}

wl_fail() { # "cause. Fix: ...": ends the step; the sentence is shown to people
    wl_result cause "$*"
    printf 'wl: %s\n' "$*"
    exit 1
}

# --- places ----------------------------------------------------------------------------------------------------------------
wl_places() { # sets the folders of this environment on this server
    case ${WL_SET_DEPLOY_DIR:?} in
    /*) wl_root=$WL_SET_DEPLOY_DIR ;;
    *) wl_root=$HOME/$WL_SET_DEPLOY_DIR ;;
    esac
    wl_releases=$wl_root/releases
    wl_release=$wl_releases/$WL_RELEASE_ID
    wl_shared=$wl_root/shared
    wl_state=$wl_root/.windlass
}

wl_writable() { # folder: made if needed, or the step fails with the reason
    [ -d "$1" ] || mkdir -p -- "$1" 2>/dev/null ||
        wl_fail "The folder $1 cannot be made by $(id -un). Fix: mkdir -p $1 && chown $(id -un) $1 (as root)."
    [ -w "$1" ] || wl_fail "The folder $1 is not writable for $(id -un). Fix: chown $(id -un) $1 (as root)."
}

wl_free_kb() { # folder: free KiB for this account in its file system; empty when unknown
    df -Pk -- "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'
}

wl_need_kb() { # folder, KiB: fails in words when there is less
    wl_have=$(wl_free_kb "$1")
    if [ -n "$wl_have" ] && [ "$wl_have" -lt "$2" ]; then
        wl_fail "The disk of $1 is full: $(wl_mb "$2") are needed and $(wl_mb "$wl_have") are free. Fix: free space there (old releases, logs), then try again."
    fi
}

wl_mb() { # KiB as people read it
    awk -v kb="$1" 'BEGIN { if (kb < 1000) printf "%d kB", kb * 1.024; else if (kb < 1000000) printf "%.1f MB", kb * 1.024 / 1000; else printf "%.1f GB", kb * 1.024 / 1000000 }'
}

wl_write_failed() { # folder, what: a write there failed; says whether the disk is full
    wl_have=$(wl_free_kb "$1")
    if [ -n "$wl_have" ] && [ "$wl_have" -lt 64 ]; then
        wl_fail "$2 failed: the disk of $1 is full. Fix: free space there (old releases, logs), then try again."
    fi
    wl_fail "$2 failed in $1. Fix: see the lines above; check owner, mode and quota."
}

wl_replace_link() { # target, link: the link points to the target from one instant to the next
    wl_temporary=$2.new-$WL_JOB
    rm -f -- "$wl_temporary"
    { ln -s -- "$1" "$wl_temporary" && mv -T -- "$wl_temporary" "$2"; } || wl_write_failed "$(dirname -- "$2")" "Switching $2"
}

# --- the lock --------------------------------------------------------------------------------------------------------------
wl_owner() { # key: its value in the lock's owner file
    sed -n "s/^$1=//p" "${WL_LOCK_DIR:-/nonexistent}/owner" 2>/dev/null
}

wl_check_lock() { # before anything that serves is changed. (The epoch was compared when the step was claimed; a runner that takes over keeps the step.)
    wl_job=$(wl_owner job)
    if [ "$wl_job" != "$WL_JOB" ]; then
        wl_fail "The lock of this environment belongs to job ${wl_job:-none}, not to this one. Fix: look at that job; deploy again when it has ended."
    fi
}

# --- processes -------------------------------------------------------------------------------------------------------------
wl_started() { # pid: when it started, in clock ticks since boot; nothing when it is gone or a zombie
    # A name may hold spaces and parentheses: what counts is after the last one.
    { read -r wl_stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    wl_stat=${wl_stat##*) }
    # shellcheck disable=SC2086 # fields
    set -- $wl_stat
    case $1 in
    Z | X) ;;
    *) echo "${20}" ;;
    esac
}

wl_is_running() { # pid, its start time: the same process still runs
    [ -n "${1:-}" ] && [ -n "${2:-}" ] && [ "$(wl_started "$1")" = "$2" ]
}

wl_session() { # session id: the pids of its living processes. One cat and one awk: read in a shell costs a system call per byte
    cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v want="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($1 !~ /^[ZX]/ && $4 == want) print pid }'
}

wl_end_session() { # session id, seconds of grace: TERM, then KILL; 0 when nothing of it is left
    wl_pids=$(wl_session "$1")
    [ -n "$wl_pids" ] || return 0
    # shellcheck disable=SC2086 # a list of numbers
    kill -s TERM $wl_pids 2>/dev/null || :
    wl_tenths=$(($2 * 10))
    while [ "$wl_tenths" -gt 0 ]; do
        [ -n "$(wl_session "$1")" ] || return 0
        sleep 0.1 2>/dev/null || { sleep 1; wl_tenths=$((wl_tenths - 9)); } # busybox may know whole seconds only
        wl_tenths=$((wl_tenths - 1))
    done
    # shellcheck disable=SC2046 # a list of numbers
    kill -s KILL $(wl_session "$1") 2>/dev/null || :
    sleep 1
    [ -z "$(wl_session "$1")" ]
}

wl_port_inode() { # port: the socket that listens on it, from /proc/net
    awk -v port="$1" 'BEGIN { hex = sprintf("%04X", port) }
        FNR > 1 && $4 == "0A" { n = split($2, a, ":"); if (a[n] == hex) { print $10; exit } }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

wl_port_pid() { # port: the pid that listens on it; "?" when it is another account's, nothing when the port is free
    wl_inode=$(wl_port_inode "$1")
    [ -n "$wl_inode" ] || return 0
    # shellcheck disable=SC2012 # names below /proc/<pid>/fd are numbers; ls shows where the links lead without a process each
    wl_pid=$(ls -l /proc/[0-9]*/fd 2>/dev/null |
        awk -v want="socket:[$wl_inode]" '/^\/proc\// { split($1, a, "/"); pid = a[3] } $NF == want { print pid; exit }')
    echo "${wl_pid:-?}"
}

wl_is_ours() { # pid: started by this environment: its folder is a release, or it is of a session that our keeper wrote down
    case $(readlink "/proc/$1/cwd" 2>/dev/null) in
    "$(cd -P -- "$wl_releases" 2>/dev/null && pwd)"/*) return 0 ;;
    esac
    for wl_file in "$wl_state/app" "$wl_state/keeper"; do
        wl_leader=$(sed -n 's/^pid=//p' "$wl_file" 2>/dev/null)
        [ -n "$wl_leader" ] || continue
        case " $(wl_session "$wl_leader" | tr '\n' ' ')" in
        *" $1 "*) return 0 ;;
        esac
    done
    return 1
}

wl_process_name() { # pid: for a sentence
    if [ "$1" = '?' ]; then
        echo "a process of another account"
    else
        echo "$(cat "/proc/$1/comm" 2>/dev/null || echo process) (pid $1)"
    fi
}
