# prepare.sh - everything that can be known to fail is found here, before anything is written or pulled. Changes nothing that serves.
# shellcheck shell=sh disable=SC2154 # lib.sh, docker.sh and common.sh stand in front
wl_image_places
for tool in awk sed df setsid sort cut tr; do
    command -v "$tool" >/dev/null || wl_fail "The server lacks the command $tool. Fix: run Check on the server's page; it shows the line that installs it."
done
wl_docker_engine docker.io
wl_note "Docker $wl_docker_version"
wl_result docker "$wl_docker_version"
wl_writable "$wl_root"
{ mkdir -p -- "$wl_state/releases" && chmod 0700 "$wl_state"; } || wl_write_failed "$wl_root" "Making the folder .windlass"
wl_need_kb "$wl_root" 1024
wl_note "Folder $wl_root, $(wl_mb "$(wl_free_kb "$wl_root")") free."
wl_need_docker_disk

# --- containers ----------------------------------------------------------------------------------------------------------------
other=$(docker ps -a --filter "name=^/?$WL_SET_PROJECT-web-v[0-9]+$" --format '{{.Names}} {{.Label "windlass.environment"}}' |
    awk -v own="$wl_environment" '$2 != own { print $1; exit }')
if [ -n "$other" ]; then
    wl_fail "A container called $other is here already and is not of this environment. Fix: choose another name of the containers in the settings, or remove that container."
fi
if [ -n "${WL_SET_NETWORK:-}" ]; then
    docker network inspect "$WL_SET_NETWORK" >/dev/null 2>&1 ||
        wl_fail "There is no Docker network $WL_SET_NETWORK here. Fix: docker network create $WL_SET_NETWORK, or choose another in the settings."
fi
for volume in ${WL_SET_VOLUMES:-}; do
    source=${volume%%:*}
    case $source in
    ./*) source=$wl_root/${source#./} ;;
    /*) ;;
    *) continue ;;
    esac
    [ -e "$source" ] || wl_fail "There is no $source here, which the volume $volume mounts. Fix: mkdir -p $source (Docker would make it as root)."
done

# --- ports -----------------------------------------------------------------------------------------------------------------------
if [ -z "${WL_SET_CONTAINER_PORT:-}" ]; then
    ! wl_is_behind_nginx || wl_fail "The address of the site is set, but not the port inside the container. Fix: set it in the environment's settings."
elif wl_is_behind_nginx; then
    wl_free_port >/dev/null || wl_no_port
else
    port=$(wl_ports | head -n 1)
    if [ -n "$(wl_port_inode "$port")" ] && ! wl_running | cut -d'|' -f5 | grep -qFx "$port"; then
        wl_fail "Port $port is taken by $(wl_holder "$port"), which is not of this environment. Fix: end that, or give the app another port in the settings."
    fi
fi

if wl_is_behind_nginx; then
    wl_nginx_ready
fi
wl_note "Live now: $(cat "$wl_state/version" 2>/dev/null || echo nothing), $(wl_running | wc -l | tr -d ' ') containers run"
