# common.sh - stands in front of every script that the runner sends to a target. The runner writes the assignments before it
# (JOB_DIR, STEP_DIR, NONCE, ...). POSIX sh, tested under dash and busybox. Answers are key=value lines.
# shellcheck shell=sh disable=SC2034
set -u
umask 077
PATH="${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LC_ALL=C
export PATH LC_ALL

field() { # key, file of key=value lines
    while IFS= read -r line; do
        case $line in
        "$1="*)
            printf '%s\n' "${line#*=}"
            return 0
            ;;
        esac
    done 2>/dev/null <"$2"
    return 0
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id
}

started() { # pid: sets since, its start time in clock ticks since boot; empty when it is gone or a zombie
    since=
    # The name in the second field may hold anything; what counts is after the last parenthesis.
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    stat=${stat##*) }
    # shellcheck disable=SC2086 # fields
    set -- $stat
    case $1 in
    Z | X) ;;
    *) since=${20} ;;
    esac
}

session() { # session id: the pids of its living processes. One cat and one awk: read in a shell costs a system call per byte
    cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v want="$1" '{ pid = $1; sub(/^.*\) /, ""); if ($1 !~ /^[ZX]/ && $4 == want) print pid }'
}

# Asked once a second while a step runs, so without a process of its own as long as the wrapper lives.
alive() { # claim or begun file: whether the wrapper or any process of its session lives, in this boot
    pid='' start='' boot=''
    {
        while IFS='=' read -r key value; do
            case $key in
            pid) pid=$value ;;
            start) start=$value ;;
            boot) boot=$value ;;
            esac
        done <"$1"
        read -r this_boot </proc/sys/kernel/random/boot_id
    } 2>/dev/null
    [ -n "$pid" ] && [ "$boot" = "$this_boot" ] || return 1
    started "$pid"
    if [ -n "$since" ]; then
        [ "$since" = "$start" ] # another start time: the number was reused, so the session is gone
    else
        [ -n "$(session "$pid")" ]
    fi
}

nap() { # seconds, with a fraction where sleep knows fractions
    sleep "$1" 2>/dev/null || sleep 1
}
