# container.sh - a Debian 12 machine with systemd and sshd as a container of our own, for tests of units and `systemctl`.
#
# Sourced by tests. Needs root, docker.io and mmdebstrap (tools/deps.sh test). A running Docker engine is used as it is; where
# none answers, one is started here and ended by container_cleanup. The root file system is built once and kept in
# ${WL_LAB_CACHE:-~/.cache/windlass-lab}, named by the hash of its package list. sshd is published on 127.0.0.1 only.
#
#     container_engine || skip "$CONTAINER_WHY"
#     container_systemd NAME AUTHORIZED_KEYS_FILE   # sets CONTAINER_PORT
#     container_cleanup                             # in a trap; removes what was made here

CONTAINER_CACHE=${WL_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/windlass-lab}
CONTAINER_PACKAGES=systemd,systemd-sysv,dbus,openssh-server
CONTAINER_NAMES=
CONTAINER_ENGINE_PID=
CONTAINER_WHY=
CONTAINER_TMP=

container_engine() {
    if [ "$(id -u)" != 0 ]; then
        CONTAINER_WHY="needs root to run a container with systemd"
        return 1
    fi
    if docker info >/dev/null 2>&1; then
        return 0
    fi
    CONTAINER_TMP=$(mktemp -d /tmp/wl-engine.XXXXXX)
    mkdir -p "$CONTAINER_CACHE/docker"
    dockerd --host "unix://$CONTAINER_TMP/docker.sock" --data-root "$CONTAINER_CACHE/docker" \
        --exec-root "$CONTAINER_TMP/exec" --pidfile "$CONTAINER_TMP/docker.pid" >"$CONTAINER_TMP/dockerd.log" 2>&1 &
    CONTAINER_ENGINE_PID=$!
    DOCKER_HOST=unix://$CONTAINER_TMP/docker.sock
    export DOCKER_HOST
    i=0
    while ! docker info >/dev/null 2>&1; do
        i=$((i + 1))
        if [ "$i" -gt 150 ] || ! kill -0 "$CONTAINER_ENGINE_PID" 2>/dev/null; then
            CONTAINER_WHY="the Docker engine does not start here: $(tail -n 1 "$CONTAINER_TMP/dockerd.log")"
            return 1
        fi
        sleep 0.2
    done
}

# Build (or find) the image; prints its name.
container_image() {
    hash=$(printf '%s\n' "bookworm $CONTAINER_PACKAGES v1" | sha256sum | cut -c1-16)
    image=windlass-lab/systemd:$hash
    if ! docker image inspect "$image" >/dev/null 2>&1; then
        mkdir -p "$CONTAINER_CACHE"
        tar=$CONTAINER_CACHE/systemd-$hash.tar
        if [ ! -s "$tar" ]; then
            mmdebstrap --quiet --variant=minbase --include="$CONTAINER_PACKAGES" bookworm "$CONTAINER_CACHE/part-$$.tar" >&2 || return 1
            mv "$CONTAINER_CACHE/part-$$.tar" "$tar"
        fi
        docker import --change 'CMD ["/sbin/init"]' "$tar" "$image" >/dev/null || return 1
    fi
    printf '%s\n' "$image"
}

container_systemd() {
    image=$(container_image) || return 1
    CONTAINER_NAMES="$CONTAINER_NAMES $1"
    docker rm -f "$1" >/dev/null 2>&1
    docker run -d --name "$1" --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined \
        --security-opt apparmor=unconfined --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' \
        -v /sys/fs/cgroup:/sys/fs/cgroup:rw --tmpfs /run --tmpfs /run/lock -p 127.0.0.1::22 "$image" >/dev/null || return 1
    i=0
    while :; do
        state=$(docker exec "$1" systemctl is-system-running 2>/dev/null)
        case $state in running | degraded) break ;; esac
        i=$((i + 1))
        [ "$i" -gt 300 ] && return 1
        sleep 0.2
    done
    docker exec -i "$1" sh -c 'umask 077; mkdir -p /root/.ssh && cat >/root/.ssh/authorized_keys' <"$2" || return 1
    docker exec "$1" systemctl start ssh || return 1
    CONTAINER_PORT=$(docker port "$1" 22/tcp | sed -n 's/^127\.0\.0\.1://p' | head -n 1)
    [ -n "$CONTAINER_PORT" ]
}

container_cleanup() {
    for name in $CONTAINER_NAMES; do
        docker rm -f "$name" >/dev/null 2>&1
    done
    CONTAINER_NAMES=
    if [ -n "$CONTAINER_ENGINE_PID" ]; then
        kill "$CONTAINER_ENGINE_PID" 2>/dev/null
        wait "$CONTAINER_ENGINE_PID" 2>/dev/null
        CONTAINER_ENGINE_PID=
    fi
    [ -n "$CONTAINER_TMP" ] && rm -rf "$CONTAINER_TMP"
    CONTAINER_TMP=
}
