#!/bin/bash
# engine.sh - the Docker engine in which the lab's machines run (sourced by lab.sh).
#
# One that answers is used as it is. Where none does, the first owner that asks has one started: its own socket, data, bridge; nothing of the
# machine's own packet filter or forwarding is touched, and nothing is left when it ends. A keeper, detached, ends it when the last of its
# owners has let go or died.

LAB_ENGINE=$LAB_CACHE/engine
LAB_SOCKET=unix://$LAB_ENGINE/docker.sock

lab_engine_answers() {
    timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

lab_need_engine() {
    lab_engine_answers || lab_fail "no Docker engine answers: export DOCKER_HOST=\$(lab.sh engine hold)"
}

lab_engine_hold() {
    if [ "${DOCKER_HOST:-}" != "$LAB_SOCKET" ] && lab_engine_answers; then
        return 0
    fi
    export DOCKER_HOST=$LAB_SOCKET
    lab_locked engine lab_engine_join || lab_fail "no Docker engine answers and one cannot be started: $(tail -n 1 "$LAB_ENGINE/log" 2>/dev/null)"
    printf '%s\n' "$DOCKER_HOST"
}

# With the lock held.
lab_engine_join() {
    local owner keeper
    owner=$(lab_owner) || return 1
    mkdir -p "$LAB_ENGINE/users"
    : >"$LAB_ENGINE/users/$owner"
    keeper=$(cat "$LAB_ENGINE/keeper" 2>/dev/null)
    if [ -n "$keeper" ] && lab_owner_lives "$keeper" && lab_engine_answers; then
        return 0
    fi
    : >"$LAB_ENGINE/log"
    lab_detach "$LAB_ENGINE/log" "$LAB/lab.sh" engine keep
    keeper=$(lab_process $!)
    if ! lab_until 60 lab_engine_is_up "$keeper" || ! lab_engine_answers; then
        rm -f "$LAB_ENGINE/users/$owner"
        return 1
    fi
}

lab_engine_is_up() { # keeper
    lab_is_gone "$1" || lab_engine_answers
}

lab_engine_has_users() {
    local file found=1
    for file in "$LAB_ENGINE"/users/*; do
        if [ ! -e "$file" ]; then
            continue
        elif lab_owner_lives "${file##*/}"; then
            found=0
        else
            rm -f "$file"
        fi
    done
    return $found
}

lab_engine_release() {
    local owner keeper
    owner=$(lab_owner) || return 1
    [ -e "$LAB_ENGINE/users/$owner" ] || return 0
    rm -f "$LAB_ENGINE/users/$owner"
    keeper=$(cat "$LAB_ENGINE/keeper" 2>/dev/null)
    [ -z "$keeper" ] || lab_until 60 lab_engine_is_others "$keeper"
}

lab_engine_is_others() { # keeper
    lab_is_gone "$1" || lab_engine_has_users
}

# --- the keeper ---------------------------------------------------------------------------------------------------------

# A bridge with a network that nothing on this machine uses.
lab_engine_bridge() {
    local n
    for n in 0 1 2 3 4 5 6 7 8 9; do
        if ! ip link show "wllab$n" >/dev/null 2>&1 && ! ip -4 route show table all | grep -q "10\.213\.$n\."; then
            ip link add "wllab$n" type bridge && ip addr add "10.213.$n.1/24" dev "wllab$n" && ip link set "wllab$n" up || return 1
            printf 'wllab%s\n' "$n" >"$LAB_ENGINE/bridge"
            return 0
        fi
    done
    return 1
}

# The engine ends, and its bridge and sockets go; images stay.
lab_engine_clear() { # the engine's process
    lab_end "$1"
    [ ! -s "$LAB_ENGINE/bridge" ] || ip link del "$(cat "$LAB_ENGINE/bridge")" 2>/dev/null
    rm -rf "$LAB_ENGINE/bridge" "$LAB_ENGINE/exec" "$LAB_ENGINE/docker.sock" "$LAB_ENGINE/docker.pid" "$LAB_ENGINE/dockerd"
}

# With the lock held: nobody can come while it goes.
lab_engine_end() { # the engine's process
    lab_engine_has_users && return 1
    lab_sweep_containers
    lab_engine_clear "$1"
    rm -f "$LAB_ENGINE/keeper"
}

# Starts the engine, or takes over the one of a keeper that was killed.
lab_engine_keep() {
    local engine
    trap '' HUP INT # the terminal's are not ours
    export DOCKER_HOST=$LAB_SOCKET
    lab_process $$ >"$LAB_ENGINE/keeper"
    engine=$(cat "$LAB_ENGINE/dockerd" 2>/dev/null)
    if [ -z "$engine" ] || lab_is_gone "$engine" || ! lab_engine_answers; then
        lab_engine_clear "$engine"
        lab_engine_bridge || lab_fail "no network is free for a bridge"
        dockerd --host "$LAB_SOCKET" --data-root "$LAB_ENGINE/data" --exec-root "$LAB_ENGINE/exec" --pidfile "$LAB_ENGINE/docker.pid" \
            --bridge "$(cat "$LAB_ENGINE/bridge")" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false &
        engine=$(lab_process $!)
        printf '%s\n' "$engine" >"$LAB_ENGINE/dockerd"
    fi
    while lab_owner_lives "$engine"; do
        sleep 1
        lab_engine_has_users || { lab_locked engine lab_engine_end "$engine" && exit 0; }
    done
    lab_engine_clear "$engine"
    exit 1
}
