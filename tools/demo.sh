#!/bin/sh
# demo.sh - the main job in one command: a dashboard in a scratch folder, a real SSH server to deploy to, an app in three versions.
#
#   tools/demo.sh [BIN]        BIN: folder of the programs, default build/bin     (people type: make demo)
#   PORT=9000                  where to listen, default 8080; a free port is taken when that one is not free
#   SMOKE=1                    no person: deploy 1.0.0, see it live, deploy the broken 1.2.0, see it reverted; exit status says
#   KEEP=1                     leave the scratch folder there
#
# Nothing on this machine is touched but the scratch folder: no service, no account, nothing in ~/.ssh. Where a Docker engine runs and may be used, the
# demo has an app with images too; its containers and images are removed at the end. The whole runs inside
# `windlass nest`, which ends every process that came from it, also what was deployed, when this script ends for whatever reason.
set -eu

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin=$(CDPATH='' cd -- "${1:-$top/build/bin}" && pwd)
if [ "${WL_DEMO_NESTED:-}" != 1 ]; then
    export WL_DEMO_NESTED=1
    exec "$bin/windlass" nest -- "$top/tools/demo.sh" "$bin"
fi

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

began=$(date +%s)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/windlass-demo.XXXXXX")
chmod 711 "$scratch" # as root the programs run as users of their own and must get through
up=
sshd=
image= # name of the images, when a Docker engine runs here

remove_containers() { # project: what a demo of this name has in the Docker engine
    for kind in container network volume; do
        # shellcheck disable=SC2046 # a list of ids
        docker "$kind" rm $([ "$kind" != container ] || echo -f) \
            $(docker "$kind" ls -q $([ "$kind" != container ] || echo -a) --filter "label=com.docker.compose.project=$1") >/dev/null 2>&1 || :
    done
    # shellcheck disable=SC2046
    docker image rm $(docker image ls -q "$1/hello") >/dev/null 2>&1 || :
}

finish() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$up" ]; then
        kill -TERM "$up" 2>/dev/null || :
        wait "$up" 2>/dev/null || :
    fi
    if [ -n "$sshd" ]; then
        kill -TERM "$sshd" 2>/dev/null || :
        wait "$sshd" 2>/dev/null || :
        "$top/tools/private-sshd.sh" --reap "$scratch/sshd" || :
    fi
    if [ -n "$image" ]; then
        remove_containers "${image%%/*}"
    fi
    if [ "${KEEP:-}" = 1 ]; then
        say "The scratch folder stays: $scratch"
    else
        rm -rf "$scratch"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

await() { # seconds what command...: until the command succeeds
    tries=$(($1 * 10))
    what=$2
    shift 2
    until "$@" 2>/dev/null; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$what did not come up in time"
        sleep 0.1
    done
}

alive() { # pid
    kill -0 "$1" 2>/dev/null
}

# --- Docker, where an engine runs --------------------------------------------------------------------------------------------
docker_runs() {
    command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1 &&
        { docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1; }
}

make_image() { # version, state: the same program as in the tarball, and nothing else, as an image
    mkdir -p "$scratch/image"
    cp "$bin/hello" "$scratch/image/hello"
    printf '%s\n' "$1" >"$scratch/image/VERSION"
    printf '%s\n' "$2" >"$scratch/image/STATE"
    tar -C "$scratch/image" -c . | docker import --change 'CMD ["/hello"]' --change 'WORKDIR /' --change 'ENV HOST=0.0.0.0' --change 'ENV PORT=8000' \
        - "$image:$1" >/dev/null
}

socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}
if docker_runs && [ -S "$socket" ]; then
    # What a demo that was killed has left: its name holds its process id.
    for old in $(docker image ls --format '{{.Repository}}' | sed -n 's,^\(windlass-demo-[0-9]*\)/hello$,\1,p' | sort -u); do
        alive "${old##*-}" || remove_containers "$old"
    done
    image=windlass-demo-$$/hello
    say "Making images of the app hello, for the Docker engine that runs here"
    make_image 1.0.0 healthy
    make_image 1.1.0 healthy
    make_image 1.2.0 starting
else
    say "No Docker engine answers here (or there is no Compose), so the demo's app in a container is left out."
    socket=
fi

# --- the target: a real sshd of our own ----------------------------------------------------------------------------------
say "Preparing a private SSH server in $scratch/sshd"
mkdir -m 700 "$scratch/sshd"
"$top/tools/private-sshd.sh" --prepare "$scratch/sshd"
ssh_port=$("$bin/windlass" free-port $((20000 + $$ % 10000)))
set --
case $socket in
'') ;;
/run/* | /var/run/*) set -- --socket "/run/${socket#*run/}" ${DOCKER_HOST:+--env "DOCKER_HOST=$DOCKER_HOST"} ;; # as root a session sees a /run of its own
*) set -- ${DOCKER_HOST:+--env "DOCKER_HOST=$DOCKER_HOST"} ;;
esac
"$top/tools/private-sshd.sh" "$@" "$scratch/sshd" "$ssh_port" &
sshd=$!
await 20 "the SSH server" test -s "$scratch/sshd/sshd.pid"
alive "$sshd" || fail "the SSH server ended: $(tail -n 3 "$scratch/sshd/sshd.log")"

say "Packing the app hello in three versions"
mkdir "$scratch/hello"
"$top/examples/hello/package.sh" "$bin/hello" "$scratch/hello" >/dev/null

# --- the dashboard -------------------------------------------------------------------------------------------------------
wanted=${PORT:-8080}
port=$("$bin/windlass" free-port "$wanted")
[ "$port" = "$wanted" ] || say "Port $wanted is taken by another program; this uses $port."
var=$scratch/var
WL_VAR=$var
export WL_VAR
"$bin/windlass" up --var "$var" --port "$port" >"$scratch/up.out" &
up=$!
tries=400
until [ -s "$var/run/setup-url" ] && grep -q '^  Stop' "$scratch/up.out"; do
    alive "$up" || fail "the dashboard did not start"
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "the dashboard did not start in time"
    sleep 0.1
done

(umask 077 && "$bin/windlass" demo seed --server "$(id -un)@127.0.0.1:$ssh_port" --authorized-keys "$scratch/sshd/authorized_keys" \
    --host-key "$scratch/sshd/host_ed25519_key.pub" --hello "$scratch/hello" ${image:+--image "$image"} >"$scratch/seed")
value() { # key: of what seed printed
    sed -n "s/^$1=//p" "$scratch/seed"
}

say ""
say "  Windlass demo, ready after $(($(date +%s) - began)) s"
say ""
say "    Open       http://127.0.0.1:$port"
say "    Login      $(value login)"
say "    Password   $(value password)"
say ""
say "    Then: hello, staging, Deploy 1.0.0. Version 1.2.0 never becomes healthy: watch it being reverted."
say "    The app    http://127.0.0.1:$(value staging_port) (staging), http://127.0.0.1:$(value production_port) (production)"
[ -z "$image" ] || say "    In Docker  hello-compose, staging: the same versions as images; http://127.0.0.1:$(value container_port)"
sed -n 's/^  Isolation */    Isolation  /p' "$scratch/up.out"
say "    Folder     $scratch (removed at the end; KEEP=1 keeps it)"
say "    Stop       Ctrl-C"
say ""

# --- a person, or none ---------------------------------------------------------------------------------------------------
if [ "${SMOKE:-}" = 1 ]; then
    value password | "$bin/windlass" demo smoke --origin "http://127.0.0.1:$port" --login "$(value login)" \
        --port "$(value staging_port)" ${image:+--container-port "$(value container_port)"}
else
    wait "$up"
    up=
fi
