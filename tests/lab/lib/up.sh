#!/bin/bash
# up.sh - the developer's lab, which stays until it is taken down: one machine of each kind, a registry with a few images (sourced by lab.sh).
#
# WL_LAB_NAME is the name of another one beside it. Its folder in the state holds the key, an ssh configuration and what `up` prints. A test that
# sets WL_LAB_OWNER owns it, so that it goes with the test in the end.

LAB_NAME=${WL_LAB_NAME:-wl-lab}
LAB_UP=$LAB_STATE/up-$LAB_NAME

lab_up() {
    lab_locked up lab_up_once
}

lab_up_once() {
    LAB_UP_AS=$LAB_NAME
    if lab_up_runs; then
        echo "The lab is running already."
        cat "$LAB_UP/said"
        return 0
    fi
    lab_down_once
    trap 'wait; lab_down_once; exit 1' INT TERM # what is still starting would come after its end
    if ! lab_up_start; then
        wait
        lab_down_once
        lab_fail "the lab was not started"
    fi
    cat "$LAB_UP/said"
}

lab_up_runs() {
    local kind
    [ -s "$LAB_UP/said" ] && [ -s "$LAB_UP/registry" ] || return 1
    [ ! -s "$LAB_UP/engine" ] || DOCKER_HOST=$(cat "$LAB_UP/engine")
    [ -z "${DOCKER_HOST:-}" ] || export DOCKER_HOST
    for kind in 12 13; do
        [ "$(docker inspect --format '{{.State.Status}}' "$LAB_NAME-$kind" 2>/dev/null)" = running ] || return 1
    done
    lab_registry_runs "$(lab_fact folder "$LAB_UP/registry")"
}

lab_fact() { # name, file of name=value lines
    sed -n "s/^$1=//p" "$2"
}

lab_up_start() {
    local kind job jobs=()
    mkdir -p "$LAB_UP"
    lab_owner >"$LAB_UP/owner" || return 1
    lab_engine_hold >"$LAB_UP/engine" || return 1
    [ ! -s "$LAB_UP/engine" ] || export DOCKER_HOST=$LAB_SOCKET
    lab_layer >/dev/null || return 1
    ssh-keygen -q -t ed25519 -N '' -C "$LAB_NAME" -f "$LAB_UP/key" || return 1
    for kind in 12 13; do
        (lab_server_start --kind "$kind" --name "$LAB_NAME-$kind" --keys "$LAB_UP/key.pub" >"$LAB_UP/server-$kind") &
        jobs+=($!)
    done
    (umask 077 && tr -dc a-z0-9 </dev/urandom | head -c 16 >"$LAB_UP/password")
    lab_up_registry && lab_up_push || return 1
    for job in "${jobs[@]}"; do
        wait "$job" || return 1
    done
    lab_up_ssh
    lab_up_say >"$LAB_UP/said"
}

# Port 5000, as everybody expects, or another one.
lab_up_registry() {
    (lab_registry_start --port 5000 <"$LAB_UP/password" 2>/dev/null || lab_registry_start <"$LAB_UP/password") >"$LAB_UP/registry"
}

lab_up_push() {
    local image
    for image in backend:1.0.0 backend:1.1.0 frontend:1.0.0 frontend:1.1.0; do
        lab_push "$image" || return 1
    done
    lab_push backend:1.2.0 --fault unhealthy
}

lab_up_ssh() {
    local kind ip type
    for kind in 12 13; do
        ip=$(lab_fact ip "$LAB_UP/server-$kind")
        docker exec "$LAB_NAME-$kind" cat /etc/ssh/ssh_host_ed25519_key.pub | while read -r type key _; do
            printf '%s %s %s\n' "$ip" "$type" "$key"
        done >>"$LAB_UP/known_hosts"
        printf 'Host %s\n  HostName %s\n  User deploy\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n' \
            "$LAB_NAME-$kind" "$ip" "$LAB_UP/key" "$LAB_UP/known_hosts" >>"$LAB_UP/ssh_config"
    done
}

lab_up_say() {
    local kind host
    declare -A has=([12]="OpenSSH 9.2, Docker 20.10, Compose v1" [13]="OpenSSH 10, Docker 26, Compose v2")
    host=$(lab_fact host "$LAB_UP/registry")
    for kind in 12 13; do
        echo "Debian $kind   ssh -F $LAB_UP/ssh_config $LAB_NAME-$kind"
        echo "            address deploy@$(lab_fact ip "$LAB_UP/server-$kind"); ${has[$kind]}"
    done
    echo "Registry    $host   user lab   password $(cat "$LAB_UP/password")"
    echo "            holds backend and frontend 1.0.0 and 1.1.0, and backend 1.2.0, which is never healthy; from this machine push to ${host/*:/127.0.0.1:}"
    echo "            another: tests/lab/lab.sh push backend:1.3.0 --fault crash=5   (faults: tests/lab/app.c)"
    [ ! -s "$LAB_UP/engine" ] || echo "Engine      its own: DOCKER_HOST=$(cat "$LAB_UP/engine")"
    echo "It stays until \`make lab-down\`."
}

# An image into the developer's registry.
lab_push() { # name:tag, options of push.mjs
    local node
    [ -s "$LAB_UP/registry" ] || lab_fail "no lab is running: make lab"
    for node in "$LAB"/../../build/node/node_modules/node-linux-*/bin/node node; do
        command -v "$node" >/dev/null && break
    done
    "$node" "$LAB/push.mjs" "$(lab_fact host "$LAB_UP/registry")" lab "$LAB_UP/password" "$(lab_layer)" "$@"
}

lab_down() {
    lab_locked up lab_down_once
}

lab_down_once() {
    local id folder LAB_UP_AS=$LAB_NAME
    if [ -s "$LAB_UP/engine" ]; then
        DOCKER_HOST=$(cat "$LAB_UP/engine")
        export DOCKER_HOST
    fi
    for id in $(docker ps -aq --filter "label=windlass-lab.up=$LAB_UP_AS" 2>/dev/null); do
        docker rm -f -v "$id" >/dev/null
    done
    for folder in "$LAB_STATE"/registry.*; do
        [ "$(cat "$folder/up" 2>/dev/null)" != "$LAB_UP_AS" ] || lab_registry_remove "$folder"
    done
    lab_engine_release
    rm -rf "$LAB_UP"
}
