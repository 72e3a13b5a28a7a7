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

# --- nginx -----------------------------------------------------------------------------------------------------------------------
included() { # whether the configuration takes the upstream's file in, as far as it can be read
    conf=$(nginx -V 2>&1 | sed -n 's/.*--conf-path=\([^ ]*\).*/\1/p')
    conf=${conf:-/etc/nginx/nginx.conf}
    grep -rhs '^[[:space:]]*include[[:space:]]' "${conf%/*}" | sed 's/^[[:space:]]*include[[:space:]]*//; s/[[:space:]]*;.*//; s/^["'\'']//; s/["'\'']$//' >"$wl_state/includes-$WL_JOB"
    found=1
    while IFS= read -r pattern; do
        case $pattern in /*) ;; *) pattern=${conf%/*}/$pattern ;; esac
        # shellcheck disable=SC2254 # a pattern it is
        case $wl_upstream in $pattern) found=0 ;; esac
    done <"$wl_state/includes-$WL_JOB"
    rm -f -- "$wl_state/includes-$WL_JOB"
    return "$found"
}

if wl_is_behind_nginx; then
    command -v curl >/dev/null || wl_fail "The server lacks curl, with which the site is asked after the switch. Fix: sudo apt-get install -y curl"
    command -v nginx >/dev/null || wl_fail "nginx is not installed here. Fix: sudo apt-get install -y nginx, or leave the address of the site empty: then the app is stopped for each deploy."
    folder=${wl_upstream%/*}
    if [ "$(id -u)" -ne 0 ]; then
        wl_nginx_reload
        line=$(wl_sudoers)
        command -v sudo >/dev/null || wl_fail "The server lacks sudo, by which nginx is tested and reloaded. Fix: apt-get install sudo (as root), then put this line into /etc/sudoers.d/windlass: $line"
        if [ -z "$wl_reload" ] || ! sudo -n -l "$wl_nginx" -t >/dev/null 2>&1; then
            wl_fail "sudo does not let $(id -un) test and reload nginx. Fix: put this line into /etc/sudoers.d/windlass: $line"
        fi
    fi
    if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
        wl_fail "$(id -un) cannot write $wl_upstream. Fix: sudo install -d -o $(id -un) $folder"
    fi
    if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
        wl_fail "$wl_upstream is not of this environment, and what others wrote is not changed. Fix: choose another file in the settings, or remove it if nothing needs it (nginx goes on with what it has read)."
    fi
    included || wl_fail "nginx does not take in $wl_upstream. Fix: echo 'include $folder/*.conf;' | sudo tee /etc/nginx/conf.d/windlass.conf"
    [ ! -r /proc/1/comm ] || grep -qsx nginx /proc/[0-9]*/comm || wl_fail "nginx does not run here. Fix: sudo systemctl start nginx"
    # Before the first deploy the site may name an upstream that is not there yet.
    if ! wl_nginx_test && ! grep -qF "host not found in upstream \"$WL_SET_UPSTREAM\"" "$wl_state/said-$WL_JOB"; then
        cat "$wl_state/said-$WL_JOB"
        wl_fail "nginx' configuration has a mistake already, before this deploy: $(wl_nginx_said). Fix: mend it until sudo nginx -t is content."
    fi
    rm -f -- "$wl_state/said-$WL_JOB"
fi
wl_note "Live now: $(cat "$wl_state/version" 2>/dev/null || echo nothing), $(wl_running | wc -l | tr -d ' ') containers run"
