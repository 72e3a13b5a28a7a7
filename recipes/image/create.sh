# create.sh - writes down what serves, for switch_back.sh, and makes the containers of the release; none of them runs yet. From here on a failure leads through the undo steps, since
# there is something to clear away.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
[ -s "$wl_release/image" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."

# --- what serves ---------------------------------------------------------------------------------------------------------------
if [ ! -d "$wl_before" ]; then
    rm -rf -- "$wl_before.part"
    mkdir -- "$wl_before.part" || wl_write_failed "$wl_state" "Writing down what serves"
    for file in live version; do
        [ ! -f "$wl_state/$file" ] || cp -p -- "$wl_state/$file" "$wl_before.part/$file" || wl_write_failed "$wl_state" "Writing down what serves"
    done
    if wl_is_behind_nginx && [ -f "$wl_upstream" ]; then
        cp -p -- "$wl_upstream" "$wl_before.part/upstream" || wl_write_failed "$wl_state" "Keeping the upstream's file"
    fi
    wl_running >"$wl_before.part/running" || wl_engine_failed "The containers cannot be listed."
    sync -f "$wl_before.part" 2>/dev/null || sync
    mv -T -- "$wl_before.part" "$wl_before" || wl_write_failed "$wl_state" "Writing down what serves"
fi

wl_variables_for_docker

# --- one container -------------------------------------------------------------------------------------------------------------
create() { # role, port on the server or nothing
    name=$(wl_name_of "$1")
    wl_container create "$name" "$1" "$2" "$wl_release/command.$1" >"$wl_state/said-$WL_JOB" 2>&1 || create_failed "$name"
    wl_note "Made $name${2:+, for port $2 on $(wl_address)}"
}

create_failed() { # name
    cat "$wl_state/said-$WL_JOB"
    text=$(cat "$wl_state/said-$WL_JOB")
    case $text in
    *'is already in use by container'*) wl_fail "A container called $1 is here already and is not of this release. Fix: choose another name of the containers in the settings, or remove that container." ;;
    *'No such image'* | *'no such image'*) wl_fail "The image is gone from the server since it was pulled. Fix: deploy again; see who removes images there (docker image prune in cron)." ;;
    *'no space left on device'*) wl_docker_disk_full "Making the container $1" ;;
    *'rgument list too long'*) wl_fail "The variables are too large together: Linux hands at most about 2 MB of them to a program. Fix: store the largest as files." ;;
    esac
    wl_fail "The container $1 cannot be made: $(wl_last_line "$wl_state/said-$WL_JOB"). Fix: check the settings named there."
}

# One that a run of this step before made, or half made, goes first; one that runs already is of a later step, and stays.
wl_ours --filter "label=windlass.release=$WL_RELEASE_ID" >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
while IFS= read -r role; do
    there=$(awk -F'|' -v role="$role" '$2 == role { print $1 " " $4 }' "$wl_state/stop-$WL_JOB")
    case $there in
    '') ;;
    *' running' | *' restarting') continue ;;
    *) docker rm -f "${there% *}" >/dev/null || wl_fail "The container ${there% *} of a run before cannot be removed. Fix: docker rm -f ${there% *}" ;;
    esac
    port=
    if [ "$role" = web ] && [ -n "${WL_SET_CONTAINER_PORT:-}" ]; then
        if wl_is_behind_nginx; then port=$(wl_free_port) || wl_no_port; else port=$(wl_ports | head -n 1); fi
    fi
    create "$role" "$port"
done <"$wl_release/roles"
rm -f -- "$wl_state/stop-$WL_JOB"
