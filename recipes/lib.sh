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
    wl_value=$2
    case $wl_value in
    *'
'* | *"$WL_RETURN"*) wl_value=$(printf '%s' "$wl_value" | tr '\n\r' '  ') ;;
    esac
    if [ -n "${WL_RESULT:-}" ]; then
        printf '%s=%s\n' "$1" "$wl_value" >>"$WL_RESULT"
    else
        printf 'wl-result %s=%s\n' "$1" "$wl_value"
    fi
}
WL_RETURN=$(printf '\r')
WL_TAB=$(printf '\t')

wl_result_kept() { # ids of releases that this server still has, for the pages that say to which one can go back
    wl_number=0
    wl_line=
    wl_count=0
    for wl_id in $1; do
        wl_line=$wl_line${wl_line:+ }$wl_id
        wl_count=$((wl_count + 1))
        if [ $((wl_count % 15)) -eq 0 ]; then
            wl_number=$((wl_number + 1))
            wl_result "kept_$wl_number" "$wl_line"
            wl_line=
        fi
    done
    wl_number=$((wl_number + 1))
    wl_result "kept_$wl_number" "$wl_line"
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

# --- secret files ------------------------------------------------------------------------------------------------------------
# WL_FILES of them come with a step that asks for secrets. They are first made whole in a folder of ours (wl_stage_files), then one after the other put into the
# app's folder by rename (wl_place_files), after what is there was kept (wl_keep_files) for the way back (wl_restore_files). In .windlass: `placed`, a line
# "number mode path" for each file that is ours now, and `folders`, those that were made for them. A path has no blanks (lib/domain/validate_secret.c).
wl_file_field() { # number, field
    eval "printf '%s' \"\${WL_FILE_$1_$2-}\""
}

wl_unbase64() {
    if command -v base64 >/dev/null; then
        base64 -d
    else
        { fold -w 76 && echo; } | openssl base64 -d
    fi
}

wl_sha256() { # of standard input, in hex
    if command -v sha256sum >/dev/null; then
        sha256sum | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r | cut -d ' ' -f 1
    fi
}

wl_file_refused() { # path, "cause. Fix: ..."
    wl_fail "The secret file $1 cannot be put in place: $2"
}

wl_file_way() { # root, path: fails in words when something is in the way of this file. Changes nothing
    wl_at=$1
    wl_rest=$2
    case /$2/ in
    *//* | */./* | */../* | */-* | /.windlass/*) wl_file_refused "$2" "this is no path below the app's folder. Fix: give it another path." ;;
    esac
    while [ "$wl_rest" != "${wl_rest#*/}" ]; do
        [ -w "$wl_at" ] || [ -d "$wl_at/${wl_rest%%/*}" ] || wl_file_refused "$2" "$wl_at is not writable for $(id -un). Fix: chown $(id -un) $wl_at (as root)."
        wl_at=$wl_at/${wl_rest%%/*}
        wl_rest=${wl_rest#*/}
        if [ -L "$wl_at" ]; then
            wl_file_refused "$2" "$wl_at is a symbolic link, and files are not written through one. Fix: remove the link, or give the file another path."
        elif [ -e "$wl_at" ] && [ ! -d "$wl_at" ]; then
            wl_file_refused "$2" "$wl_at is a file, where a folder is needed. Fix: remove it, or give the secret file another path."
        fi
        [ -d "$wl_at" ] || return 0
    done
    wl_at=$wl_at/$wl_rest
    if [ -L "$wl_at" ]; then
        wl_file_refused "$2" "there is a symbolic link of that name. Fix: remove $wl_at, or give the file another path."
    elif [ -d "$wl_at" ]; then
        wl_file_refused "$2" "there is a folder of that name (Docker makes one when a mounted file is missing). Fix: rmdir $wl_at (perhaps as root), or give the file another path."
    elif [ -e "$wl_at" ] && [ ! -f "$wl_at" ]; then
        wl_file_refused "$2" "$wl_at is not a file. Fix: remove it, or give the file another path."
    elif [ -f "$wl_at" ] && [ ! -r "$wl_at" ]; then
        wl_file_refused "$2" "a file is there that $(id -un) may not read, so it could not be kept for the way back. Fix: chown $(id -un) $wl_at (as root)."
    elif [ ! -w "${wl_at%/*}" ]; then
        wl_file_refused "$2" "the folder ${wl_at%/*} is not writable for $(id -un). Fix: chown $(id -un) ${wl_at%/*} (as root)."
    fi
}

# The shell goes into the file's folder, one name after the other, and looks each time where it is: a link that somebody puts there meanwhile is noticed, and
# what follows is done by plain names in that very folder. To be called in a subshell.
wl_file_enter() { # root, path, where to note the folders it makes: without, none is made, and it is 1 when one is missing or no plain folder
    cd -P -- "$1" || return 1
    wl_here=$(pwd -P)
    wl_rest=$2
    wl_made=
    while [ "$wl_rest" != "${wl_rest#*/}" ]; do
        wl_part=${wl_rest%%/*}
        wl_rest=${wl_rest#*/}
        wl_made=$wl_made${wl_made:+/}$wl_part
        if [ -n "${3:-}" ] && [ ! -e "$wl_part" ] && [ ! -L "$wl_part" ]; then
            { printf '%s\n' "$wl_made" >>"$3" && mkdir -m 0700 -- "$wl_part"; } || wl_write_failed "$wl_here" "Making the folder of the secret file $2"
        fi
        wl_here=${wl_here%/}/$wl_part
        if ! cd -P -- "$wl_part" 2>/dev/null || [ "$(pwd -P)" != "$wl_here" ]; then
            [ -n "${3:-}" ] || return 1
            wl_file_refused "$2" "$wl_here is a symbolic link or no folder. Fix: remove it, or give the file another path."
        fi
    done
}

wl_stage_files() { # folder, list, root: the files of this release, whole and each with its mode, in a folder of our own; "number mode path" in the list
    rm -rf -- "$1"
    : >"$2" || wl_write_failed "$wl_state" "Listing the secret files"
    [ "${WL_FILES:-0}" -gt 0 ] || return 0
    command -v base64 >/dev/null || command -v openssl >/dev/null ||
        wl_fail "The server has no base64, by which secret files travel. Fix: apt-get install coreutils (or openssl)."
    command -v sha256sum >/dev/null || command -v openssl >/dev/null ||
        wl_fail "The server has no sha256sum, by which secret files are checked on arrival. Fix: apt-get install coreutils (or openssl)."
    wl_number=0
    while [ "$wl_number" -lt "$WL_FILES" ]; do
        wl_number=$((wl_number + 1))
        wl_path=$(wl_file_field "$wl_number" PATH)
        wl_file_way "$3" "$wl_path"
        printf '%s %s %s\n' "$wl_number" "$(wl_file_field "$wl_number" MODE)" "$wl_path" >>"$2" || wl_write_failed "${2%/*}" "Listing the secret files"
    done
    mkdir -m 0700 -- "$1" || wl_write_failed "${1%/*}" "Making a folder for the secret files"
    while read -r wl_number wl_mode wl_path; do
        wl_stage_file "$1"
    done <"$2"
    sync -f "$1" 2>/dev/null || sync
    wl_note "$WL_FILES secret files are ready: $(cut -d ' ' -f 3 "$2" | tr '\n' ' ')"
}

wl_stage_file() { # folder: the file wl_number, made 0600 and given its mode when it is whole
    wl_file=$1/$wl_path
    mkdir -p -- "${wl_file%/*}" || wl_stage_failed "$1"
    (umask 077 && wl_file_field "$wl_number" BASE64 | wl_unbase64 >"$wl_file") || wl_stage_failed "$1"
    wl_got=$(wl_sha256 <"$wl_file")
    if [ "$wl_got" != "$(wl_file_field "$wl_number" SHA256)" ]; then
        [ "$(wl_free_kb "$1" || echo 64)" -ge 64 ] 2>/dev/null || wl_stage_failed "$1" # not every base64 tells of a write that failed
        rm -rf -- "$1"
        wl_fail "The secret file $wl_path did not arrive as it was saved: its SHA-256 is another one on the server. Nothing was switched. Fix: deploy again; if it happens twice, check the server's disk and its base64."
    fi
    chmod "$wl_mode" "$wl_file" || wl_stage_failed "$1"
}

wl_stage_failed() { # folder: a write failed; nothing half-written stays
    wl_have=$(wl_free_kb "$1")
    rm -rf -- "$1"
    if [ -n "$wl_have" ] && [ "$wl_have" -lt 64 ]; then
        wl_fail "Writing the secret file $wl_path failed: the disk of ${1%/*} is full. Fix: free space there (old releases, logs), then try again."
    fi
    wl_fail "Writing the secret file $wl_path failed in ${1%/*}. Fix: see the lines above; check owner, mode and quota."
}

# What is at every path that the switch may touch: those of the new release, and those that are ours by now.
wl_keep_files() { # root, list of the new release, folder for it
    mkdir -p -- "$3/kept" || wl_write_failed "$wl_state" "Keeping the old secret files"
    cat "$2" "$wl_state/placed" 2>/dev/null | cut -d ' ' -f 3 | sort -u >"$3/paths.part" || wl_write_failed "$wl_state" "Keeping the old secret files"
    [ ! -f "$wl_state/placed" ] || cp -p -- "$wl_state/placed" "$3/placed" || wl_write_failed "$wl_state" "Keeping the old secret files"
    while read -r wl_path; do
        (
            ! wl_is_listed "$2" "$wl_path" || wl_file_way "$1" "$wl_path"
            wl_file_enter "$1" "$wl_path" || exit 0
            wl_name=${wl_path##*/}
            [ -f "$wl_name" ] && [ ! -L "$wl_name" ] || exit 0
            mkdir -p -- "$3/kept/$wl_path.d" || wl_write_failed "$wl_state" "Keeping the old file $wl_path"
            ln -- "$wl_name" "$3/kept/$wl_path.d/file" 2>/dev/null || cp -p -- "$wl_name" "$3/kept/$wl_path.d/file" || wl_write_failed "$wl_state" "Keeping the old file $wl_path"
            wl_is_listed "$wl_state/placed" "$wl_path" || wl_note "$wl_path was there already, not from Windlass: it is replaced, and comes back if this release does not."
        ) || exit 1
    done <"$3/paths.part"
    mv -T -- "$3/paths.part" "$3/paths" || wl_write_failed "$wl_state" "Keeping the old secret files"
}

wl_is_listed() { # list, path
    cut -d ' ' -f 3 "$1" 2>/dev/null | grep -qFx -e "$2"
}

# Each by rename, from one instant to the next; one that was moved before a cut is there already. A temporary name stands for the way across a mount.
wl_place_files() { # root, folder of wl_stage_files, its list, folder of wl_keep_files
    while read -r wl_number wl_mode wl_path; do
        (
            wl_file_way "$1" "$wl_path"
            wl_file_enter "$1" "$wl_path" "$wl_state/folders" || exit 1
            wl_name=${wl_path##*/}
            wl_temporary=.wl-$WL_JOB-$wl_number
            [ ! -f "$2/$wl_path" ] || mv -fT -- "$2/$wl_path" "$wl_temporary" || wl_write_failed "$PWD" "Putting the secret file $wl_path in place"
            [ ! -f "$wl_temporary" ] || mv -fT -- "$wl_temporary" "$wl_name" || wl_write_failed "$PWD" "Putting the secret file $wl_path in place"
            if [ ! -f "$wl_name" ] || [ -L "$wl_name" ]; then
                wl_file_refused "$wl_path" "it is not there after the move. Fix: look who else writes to $PWD; deploy again."
            fi
        ) || exit 1
    done <"$3"
    while read -r wl_path; do
        wl_is_listed "$3" "$wl_path" || wl_remove_file "$1" "$wl_path"
    done <"$4/paths"
    { cp -- "$3" "$wl_state/placed.next" && mv -fT -- "$wl_state/placed.next" "$wl_state/placed"; } || wl_write_failed "$wl_state" "Writing down the secret files"
    wl_tidy_folders "$1"
    rm -rf -- "$2"
}

wl_remove_file() { # root, path: one of ours; what somebody has put there instead (a folder, a link's other side) stays
    (
        wl_file_enter "$1" "$2" || exit 0
        wl_name=${2##*/}
        [ -f "$wl_name" ] && [ ! -L "$wl_name" ] || exit 0
        rm -f -- "$wl_name" || wl_write_failed "$PWD" "Removing the secret file $2"
        wl_note "Removed $2: this release has no such secret file."
    ) || exit 1
}

wl_restore_files() { # root, folder of wl_keep_files: every path is again what it was, also when only some had been changed
    [ -f "$2/paths" ] || return 0
    while read -r wl_path; do
        if [ -f "$2/kept/$wl_path.d/file" ]; then
            (
                wl_file_enter "$1" "$wl_path" "$wl_state/folders" || exit 1
                wl_back=.wl-back-$WL_JOB
                rm -f -- "$wl_back"
                ! wl_is_same_file "$2/kept/$wl_path.d/file" "${wl_path##*/}" || exit 0 # back already
                ln -- "$2/kept/$wl_path.d/file" "$wl_back" 2>/dev/null || cp -p -- "$2/kept/$wl_path.d/file" "$wl_back" ||
                    wl_write_failed "$PWD" "Putting the old file $wl_path back"
                mv -fT -- "$wl_back" "${wl_path##*/}" || wl_write_failed "$PWD" "Putting the old file $wl_path back"
            ) || exit 1
        else
            wl_remove_file "$1" "$wl_path"
        fi
        (wl_file_enter "$1" "$wl_path" && rm -f -- ".wl-$WL_JOB-"*) || : # of a switch that was cut
    done <"$2/paths"
    if [ -f "$2/placed" ]; then
        { cp -p -- "$2/placed" "$wl_state/placed.next" && mv -fT -- "$wl_state/placed.next" "$wl_state/placed"; } || wl_write_failed "$wl_state" "Writing down the secret files"
    else
        rm -f -- "$wl_state/placed"
    fi
    wl_tidy_folders "$1"
}

wl_tidy_folders() { # root: folders made for files go when they are empty, the deepest first
    [ -s "$wl_state/folders" ] || return 0
    sort -ru "$wl_state/folders" | while read -r wl_path; do # those that stay are listed again
        (wl_file_enter "$1" "$wl_path/x" && cd .. && rmdir -- "${wl_path##*/}" 2>/dev/null) || printf '%s\n' "$wl_path"
    done >"$wl_state/folders.next" || wl_write_failed "$wl_state" "Writing down the folders of secret files"
    mv -fT -- "$wl_state/folders.next" "$wl_state/folders" || wl_write_failed "$wl_state" "Writing down the folders of secret files"
}

wl_is_same_file() { # two paths: two names of one file, and no link. (mv refuses to put one in the place of the other)
    # shellcheck disable=SC3013 # dash and busybox know -ef
    [ ! -L "$2" ] && [ "$1" -ef "$2" ]
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

# --- what an app writes ------------------------------------------------------------------------------------------------------
WL_FOLLOW_MAX=1048576 # bytes of one source: a log is for looking, not for keeping

wl_follow() { # prefix, command...: its lines, those with WL_FILTER in them; in the background
    wl_prefix=$1
    shift
    wl_live=
    case $(awk -W version 2>&1 </dev/null) in *mawk*) wl_live="-W interactive" ;; esac # it reads a pipe in blocks otherwise
    # An awk on each source: lines come out whole, and at once. WL_FILTER comes through the environment, where nothing is read as a pattern.
    # shellcheck disable=SC2086 # no flag, or two words
    "$@" 2>&1 | WL_FILTER="$WL_FILTER" WL_PREFIX="$wl_prefix" awk $wl_live -v max="$WL_FOLLOW_MAX" '
        BEGIN { want = tolower(ENVIRON["WL_FILTER"]); prefix = ENVIRON["WL_PREFIX"] }
        want == "" || index(tolower($0), want) {
            bytes += length($0) + 1
            if (bytes > max) { print prefix "(more than " max " bytes: the rest is left out; ask for fewer lines)"; exit }
            print prefix $0
            fflush()
            n++
        }
        END { if (n == 0) print prefix "(no line" (want == "" ? "" : " with this text") ")" }' &
    wl_sources="${wl_sources:-} $!"
}

wl_follow_end() { # until all sources have ended, or WL_FOLLOW_S are over
    if [ "$WL_FOLLOW_S" -eq 0 ]; then
        wait
        return 0
    fi
    wl_left=$WL_FOLLOW_S
    while [ "$wl_left" -gt 0 ]; do
        sleep 1
        wl_left=$((wl_left - 1))
        wl_alive=
        for wl_source in $wl_sources; do
            ! kill -0 "$wl_source" 2>/dev/null || wl_alive=yes
        done
        [ -n "$wl_alive" ] || return 0
    done
    wl_note "Followed for $WL_FOLLOW_S s. Ask again for more."
    # shellcheck disable=SC2046 # our own session's processes but this shell and its wrapper
    kill -s TERM $(wl_below $$) 2>/dev/null || :
}

wl_below() { # pid: the processes below it
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v top="$1" '
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2 }
        END { for (pid in parent) { at = pid; for (n = 0; n < 20 && at != "" && at != top; n++) at = parent[at]; if (at == top && pid != top) print pid } }'
}

# --- plans -------------------------------------------------------------------------------------------------------------------
wl_plan_disk() { # number, what for, folder (of one that is not there yet, the nearest above it), KiB that are needed ("": not known)
    wl_at=$3
    while [ ! -d "$wl_at" ] && [ "$wl_at" != / ] && [ -n "$wl_at" ]; do wl_at=$(dirname -- "$wl_at"); done
    wl_have=$(wl_free_kb "$wl_at")
    wl_result "disk_$1" "$2$WL_TAB$3$WL_TAB$wl_have$WL_TAB$4"
    wl_note "$3: ${wl_have:-not known how many} KiB are free${4:+, $4 are needed}"
}

wl_plan_file() { # number, name, path: what is there now, by content
    if [ -f "$3" ] && [ -r "$3" ]; then
        wl_result "file_$1" "$2$WL_TAB$(wl_sha256 <"$3")"
    elif [ -e "$3" ]; then
        wl_result "file_$1" "$2${WL_TAB}unreadable"
    else
        wl_result "file_$1" "$2${WL_TAB}none"
    fi
}
