# common.sh - what the steps of this recipe share; it stands behind lib.sh and in front of each of them.
# shellcheck shell=sh disable=SC2154,SC2034

wl_own_command() { # what it is called, the command, file of variables, what is so when it fails: once, in the folder of the release, by a shell
    cd -- "$wl_release" || wl_fail "The release's folder is gone: $wl_release. Fix: deploy again."
    wl_note "\$ $2"
    (
        PORT=$WL_SET_PORT
        export PORT
        set -a
        # shellcheck disable=SC1090 # written by env.sh
        [ ! -f "$3" ] || . "$3"
        set +a
        exec sh -c "$2"
    )
    wl_status=$?
    [ "$wl_status" -eq 0 ] || wl_fail "The $1 command ended with status $wl_status. $4"
}

wl_is_of_tarball() { # path: the tarball has a file or a link there, or in the way there
    wl_at=$wl_release
    wl_rest=$1
    while [ "$wl_rest" != "${wl_rest#*/}" ]; do
        wl_at=$wl_at/${wl_rest%%/*}
        wl_rest=${wl_rest#*/}
        if [ -L "$wl_at" ] || { [ -e "$wl_at" ] && [ ! -d "$wl_at" ]; }; then
            return 0
        fi
    done
    case $(readlink "$wl_at/$wl_rest" 2>/dev/null) in
    ../*/shared/"$1" | ../*/shared/.files.next-*/"$1") return 1 ;; # ours, of a run before
    esac
    [ -e "$wl_at/$wl_rest" ] || [ -L "$wl_at/$wl_rest" ]
}

wl_link_files() { # list of wl_stage_files, folder below the app's: <release>/<path> leads to <folder>/<path>, unless the tarball has something there
    while read -r wl_number wl_mode wl_path; do
        if wl_is_of_tarball "$wl_path"; then
            wl_note "The tarball has its own $wl_path; the secret file is at $wl_shared/$wl_path."
            continue
        fi
        (
            wl_file_enter "$wl_release" "$wl_path" /dev/null || exit 1
            wl_up=../../$(printf '%s' "$wl_path" | sed 's,[^/]*$,,; s,[^/]*/,../,g')
            wl_replace_link "$wl_up$2/$wl_path" "./${wl_path##*/}"
        ) || exit 1
    done <"$1"
}

# --- the running app: a systemd unit where one is set, else a keeper of ours (restart.sh) -----------------------------------------
wl_systemctl() { # verb unit
    if [ "${WL_SET_UNIT_SCOPE:-system}" = user ]; then
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user "$@"
    elif [ "$(id -u)" -eq 0 ] || [ "$1" = is-active ]; then
        systemctl "$@"
    else
        sudo -n "$(command -v systemctl)" "$@"
    fi
}

wl_unit_refused() { # verb
    if [ "${WL_SET_UNIT_SCOPE:-system}" = system ] && [ "$(id -u)" -ne 0 ] && ! sudo -n -l "$(command -v systemctl)" "$1" "$WL_SET_UNIT" >/dev/null 2>&1; then
        wl_fail "sudo does not allow systemctl $1 $WL_SET_UNIT to $(id -un). Fix: put this line into /etc/sudoers.d/windlass: $(id -un) ALL=(root) NOPASSWD: $(command -v systemctl) restart $WL_SET_UNIT, $(command -v systemctl) stop $WL_SET_UNIT"
    fi
    wl_fail "systemctl $1 $WL_SET_UNIT failed. Fix: look at journalctl -u $WL_SET_UNIT on the server."
}

wl_field() { # key, file
    sed -n "s/^$1=//p" "$2" 2>/dev/null
}

wl_run_stop_command() {
    [ -n "${WL_SET_STOP_COMMAND:-}" ] || return 0
    wl_folder=$(cat "$wl_state/serving" 2>/dev/null || :)
    cd -- "${wl_folder:-$wl_root}" 2>/dev/null || cd -- "$wl_root" || return 0
    wl_note "\$ $WL_SET_STOP_COMMAND"
    PORT=$port sh -c "$WL_SET_STOP_COMMAND" || wl_note "The stop command ended with status $?; the app is ended with TERM instead."
}

wl_end_recorded() { # file with pid= and start=, seconds of grace
    wl_pid=$(wl_field pid "$1")
    wl_was=
    [ -z "$wl_pid" ] || wl_was=$(wl_started "$wl_pid")
    # Of this boot, and not a stranger with a reused number; the leader may be gone while its session lives.
    if [ -n "$wl_pid" ] && [ "$(wl_field boot "$1")" = "$(cat /proc/sys/kernel/random/boot_id)" ] &&
        { [ -z "$wl_was" ] || [ "$wl_was" = "$(wl_field start "$1")" ]; }; then
        wl_end_session "$wl_pid" "$2" || wl_fail "The old process (session $wl_pid) does not end, not even with KILL. Fix: look at it on the server (ps -o pid,stat,wchan,cmd -s $wl_pid)."
    fi
    rm -f -- "$1"
}

wl_end_app() { # keeper and app, in this order; port: for the stop command
    wl_keeper=$(wl_field pid "$wl_state/keeper")
    if wl_is_running "$wl_keeper" "$(wl_field start "$wl_state/keeper")"; then
        : >"$wl_state/stopping" # the keeper must not start the app again
        wl_run_stop_command
    fi
    wl_end_recorded "$wl_state/keeper" 2
    wl_end_recorded "$wl_state/app" 10
    rm -f -- "$wl_state/stopping"
}
