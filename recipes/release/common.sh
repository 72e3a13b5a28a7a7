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
