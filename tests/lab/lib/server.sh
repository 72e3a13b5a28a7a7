#!/bin/bash
# server.sh - the lab's machines: containers with sshd and, but for the kind `systemd`, a Docker engine of their own (sourced by lab.sh).
#
# What runs inside a machine's own engine lives in cgroups below the machine's, so that it is frozen, limited and removed with it.

# The network of the machines: its bridge, the host's address there.
lab_bridge() {
    docker network inspect bridge --format '{{index .Options "com.docker.network.bridge.name"}}'
}
lab_gateway() {
    ip -4 -o addr show dev "$(lab_bridge)" | sed -n 's,.* inet \([0-9.]*\)/.*,\1,p' | head -n 1
}
lab_subnet() {
    docker network inspect bridge --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' | cut -d' ' -f1
}

lab_server_start() {
    local kind='' name='' keys='' memory=2g env=() disks=() mount run
    while [ $# -gt 0 ]; do
        case $1 in
        --kind) kind=$2 && shift ;;
        --name) name=$2 && shift ;;
        --keys) keys=$2 && shift ;;
        --memory) memory=$2 && shift ;;
        --docker-disk) disks+=("/var/lib/docker:exec,dev,suid,mode=0711,size=${2}m") && shift ;;
        --disk) disks+=("${2%=*}:exec,uid=1000,gid=1000,mode=0755,size=${2##*=}m") && shift ;;
        --no-docker-group) env+=(-e LAB_DOCKER_GROUP=0) ;;
        --no-compose) env+=(-e LAB_COMPOSE=0) ;;
        --no-dockerd) env+=(-e LAB_DOCKERD=0) ;;
        *) usage ;;
        esac
        shift
    done
    lab_need_engine
    lab_sweep >&2
    lab_need_image "$kind"
    name=${name:-wl-lab-$kind-${WL_LAB_OWNER:-$PPID}-$(tr -dc a-z0-9 </dev/urandom | head -c 6)}
    run=(-d --name "$name" --hostname "${name//[^a-zA-Z0-9-]/-}" --label "windlass-lab=$(lab_owner)" --label "windlass-lab.kind=$kind" --cap-add ALL
        --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt apparmor=unconfined
        --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' -v /sys/fs/cgroup:/sys/fs/cgroup:rw)
    [ -z "$LAB_UP_AS" ] || run+=(--label "windlass-lab.up=$LAB_UP_AS")
    [ "$memory" = 0 ] || run+=(--memory "$memory" --memory-swap "$memory")
    case " ${disks[*]}" in *" /var/lib/docker:"*) ;; *) [ "$kind" = systemd ] || run+=(-v /var/lib/docker) ;; esac
    for mount in "${disks[@]}"; do
        run+=(--tmpfs "$mount")
    done
    if [ "$kind" = systemd ]; then
        run+=(--tmpfs /run --tmpfs /run/lock "$(lab_image "$kind")" /sbin/init)
    else
        run+=("${env[@]}" -e "LAB_INSECURE=$(lab_subnet)" -v "$LAB/server/start.sh:/sbin/lab-machine:ro" "$(lab_image "$kind")" /sbin/lab-machine)
    fi
    docker run "${run[@]}" >/dev/null || lab_fail "$name cannot be started"
    if ! lab_server_ready "$name" "$kind" "$keys"; then
        docker logs --tail 20 "$name" >&2
        docker rm -f -v "$name" >/dev/null
        lab_fail "$name does not become ready"
    fi
    docker inspect --format $'name={{slice .Name 1}}\nip={{.NetworkSettings.IPAddress}}\npid={{.State.Pid}}' "$name"
    if [ "$kind" = systemd ]; then echo user=root; else echo user=deploy; fi
}

# Waits inside, so that one call is enough; then puts the keys there.
lab_server_ready() { # name, kind, file with authorized keys or nothing
    local keys=${3:-/dev/null}
    if [ "$2" = systemd ]; then
        docker exec -i "$1" timeout 60 bash -c "$(cat "$LAB/server/systemd.sh")" <"$keys"
    else
        docker exec -i -u deploy "$1" timeout 60 bash -c 'umask 077; mkdir -p ~/.ssh; cat >>~/.ssh/authorized_keys
            until [ -e /run/lab/ready ]; do sleep 0.05; done' <"$keys"
    fi
}

lab_server_reboot() { # name
    docker exec "$1" test -x /sbin/lab-machine || lab_fail "$1 is not a machine that can be rebooted"
    docker exec "$1" bash -c 'rm -f /run/lab/ready; kill -USR1 1; sleep 20' # and goes down with the machine
    lab_server_ready "$1" 12 ''
}

lab_server_freeze() { # name
    docker pause "$1" >/dev/null
}

lab_server_unfreeze() { # name
    docker unpause "$1" >/dev/null
}

# The cable is pulled, at the host's end: addresses and open connections stay, nothing gets through.
lab_server_cut() { # name
    lab_cable "$1" down
}
lab_server_join() { # name
    lab_cable "$1" up
}
lab_cable() { # name, up or down
    local pid index
    pid=$(docker inspect --format '{{.State.Pid}}' "$1") || return 1
    index=$(nsenter -t "$pid" -n ip -o link show eth0 | sed -n 's/.*eth0@if\([0-9]*\):.*/\1/p')
    ip link set "$(ip -o link | sed -n "s/^$index: \([^@:]*\).*/\1/p")" "$2"
}

# Every process of sshd but the listener; prints how many.
lab_server_kill_sessions() { # name
    docker exec "$1" bash -c 'n=0; for p in /proc/[0-9]*; do
        case $(cat "$p/comm" 2>/dev/null) in sshd | sshd-session | sshd-auth) ;; *) continue ;; esac
        [ "${p#/proc/}" != "$(cat /run/sshd.pid)" ] && kill -KILL "${p#/proc/}" 2>/dev/null && n=$((n + 1))
    done; echo $n'
}

lab_server_remove() { # name
    docker rm -f -v "$1" >/dev/null 2>&1
    ! docker inspect "$1" >/dev/null 2>&1
}
