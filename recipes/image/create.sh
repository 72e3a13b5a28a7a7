# create.sh - writes down what serves, for switch_back.sh, and makes the containers of the release; none of them runs yet. From here on a failure leads through the undo steps, since
# there is something to clear away.
#
# A variable's value is in nobody's argument list: docker takes it from its own environment (-e NAME), into which a shell has read the file, byte for byte. The few
# names that docker itself would heed go through a file (0600), in which a value is one line.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
[ -s "$wl_release/image" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
IFS=$tab read -r image digest id <"$wl_release/image"

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

# --- names that docker heeds -------------------------------------------------------------------------------------------------
heeded=$(grep -e '^DOCKER_' -e '^BUILDKIT_' -e '^GO[A-Z]*$' -e '^OTEL_' "$wl_release/names")
heeded_file=$wl_state/heeded-$WL_JOB
trap 'rm -f -- "$heeded_file"' EXIT
: >"$heeded_file" || wl_write_failed "$wl_state" "Writing the variables"
for name in $heeded; do
    # shellcheck disable=SC1091 # the release's own, which may have a variable of any name
    (set -- "$name" && . "$wl_release/.env" && eval "printf '%s=%s\n' \"\$1\" \"\${$1}\"") >"$heeded_file.one" || wl_write_failed "$wl_state" "Writing the variables"
    [ "$(wc -l <"$heeded_file.one")" -eq 1 ] || { rm -f -- "$heeded_file.one"; wl_fail "The variable $name has a line break in it, and docker itself heeds this name. Fix: rename it, or write its value on one line."; }
    { cat "$heeded_file.one" >>"$heeded_file" && rm -f -- "$heeded_file.one"; } || wl_write_failed "$wl_state" "Writing the variables"
done

# --- one container -------------------------------------------------------------------------------------------------------------
# Without a configuration of the account's: it may have proxies, which docker would add to the variables.
docker=$(command -v docker)
env=$(command -v env)
endpoint=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)
endpoint=${DOCKER_HOST:-${endpoint:-unix:///var/run/docker.sock}}
mkdir -p -- "$wl_state/no-config" || wl_write_failed "$wl_state" "Making a folder"

create() { # role, port on the server or nothing
    role=$1
    port=$2
    name=$(wl_name_of "$role")
    set -- "$docker" --host "$endpoint" --config "$wl_state/no-config" create --name "$name" --restart no \
        --label "windlass.instance=$(wl_owner instance)" --label "windlass.environment=$wl_environment" --label "windlass.release=$WL_RELEASE_ID" \
        --label "windlass.number=$WL_RELEASE" --label "windlass.role=$role" --label "windlass.image=$image"
    if [ -n "$port" ]; then
        address=127.0.0.1
        wl_is_behind_nginx || address=${WL_SET_PUBLISH_ON:-127.0.0.1}
        set -- "$@" --label "windlass.port=$port" -p "$address:$port:$WL_SET_CONTAINER_PORT"
    fi
    for volume in ${WL_SET_VOLUMES:-}; do
        case $volume in ./*) volume=$wl_root/${volume#./} ;; esac
        set -- "$@" -v "$volume"
    done
    while read -r number mode path; do
        set -- "$@" --mount "type=bind,source=$wl_release/files/$path,target=${WL_SET_FILES_DIR%/}/$path,readonly"
    done <"$wl_release/files.list"
    [ -z "${WL_SET_MEMORY:-}" ] || set -- "$@" --memory "$WL_SET_MEMORY" --memory-swap "$WL_SET_MEMORY"
    [ -z "${WL_SET_USER:-}" ] || set -- "$@" --user "$WL_SET_USER"
    [ -z "${WL_SET_NETWORK:-}" ] || set -- "$@" --network "$WL_SET_NETWORK"
    while IFS= read -r variable; do
        printf '%s\n' "$heeded" | grep -qFx -e "$variable" || set -- "$@" -e "$variable"
    done <"$wl_release/names"
    [ ! -s "$heeded_file" ] || set -- "$@" --env-file "$heeded_file"
    set -- "$@" "$digest"
    while IFS= read -r word; do
        set -- "$@" "$word"
    done <"$wl_release/command.$role"
    for variable in $heeded; do
        set -- -u "$variable" "$@"
    done
    [ -z "$heeded" ] || set -- "$env" "$@"
    # shellcheck disable=SC1091 # the release's own
    (set -a && . "$wl_release/.env" && exec "$@") >"$wl_state/said-$WL_JOB" 2>&1 || create_failed "$name"
    wl_note "Made $name${port:+, for port $port on $address}"
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
