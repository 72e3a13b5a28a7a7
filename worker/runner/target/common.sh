# common.sh - stands in front of every script that the runner sends to a target. The runner writes the assignments before it
# (JOB_DIR, STEP_DIR, NONCE, ...). POSIX sh, tested under dash and busybox. Answers are key=value lines.
# shellcheck shell=sh disable=SC2034
set -u
umask 077
PATH="${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LC_ALL=C
export PATH LC_ALL

field() { # key, file of key=value lines
    sed -n "s/^$1=//p" "$2" 2>/dev/null | head -n 1
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id
}

started() { # pid: its start time in clock ticks since boot; nothing when it is gone or a zombie
    # The name in the second field may hold anything; what counts is after the last parenthesis.
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    stat=${stat##*) }
    # shellcheck disable=SC2086 # fields
    set -- $stat
    case $1 in
    Z | X) ;;
    *) echo "${20}" ;;
    esac
}

session() { # session id: the pids of its living processes. One cat and one awk: read in a shell costs a system call per byte
    cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v want="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($1 !~ /^[ZX]/ && $4 == want) print pid }'
}

alive() { # claim or begun file: whether the wrapper or any process of its session lives, in this boot
    pid=$(field pid "$1")
    [ -n "$pid" ] && [ "$(field boot "$1")" = "$(boot_id)" ] || return 1
    now=$(started "$pid")
    if [ -n "$now" ]; then
        [ "$now" = "$(field start "$1")" ] # another start time: the number was reused, so the session is gone
    else
        [ -n "$(session "$pid")" ]
    fi
}

nap() { # seconds, with a fraction where sleep knows fractions
    sleep "$1" 2>/dev/null || sleep 1
}
