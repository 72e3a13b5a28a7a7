#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # $ in single quotes is for the shell on the target
# The scripts of recipes/image where they refuse, fail and go back, under dash and busybox. Docker, nginx, sudo and curl are stand-ins that keep containers as files: what real ones
# make of the scripts is shown by tests/scenarios/guide_002.mjs and zero_downtime.mjs. Each claim is a line of TAP.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"
recipe=image

# --- stand-ins -----------------------------------------------------------------------------------------------------------------
# A container is a folder in $scratch/containers: files state, port, role, release, environment, argv, environ.
make_fakes() {
    mkdir -p "$scratch/fakes"
    cat >"$scratch/fakes/docker" <<'FAKE'
#!/bin/sh
PATH=/usr/bin:/bin # what it has been given may be the app's
top=$WL_FAKES
echo "docker $*" >>"$top/calls"
[ ! -e "$top/docker-fails" ] || { cat "$top/docker-fails" >&2; exit 1; }
while :; do
    case $1 in
    --host | --config) shift 2 ;;
    *) break ;;
    esac
done
verb=$1
shift
say() { [ ! -e "$1" ] || cat "$1"; }
case $verb in
version) echo 26.1.5 ;;
info) echo "$top" ;;
context) echo unix:///fake.sock ;;
network) [ -e "$top/network-$2" ] || exit 1 ;;
rm)
    for last; do :; done
    rm -rf "$top/containers/${last:?}"
    ;;
create)
    printf '%s\n' "$@" >"$top/argv"
    name=$2
    mkdir -p "$top/containers/$name"
    cd "$top/containers/$name" || exit 1
    cp "$top/argv" argv
    tr '\0' '\1' <"/proc/$$/environ" >environ
    echo created >state
    for word; do
        case $word in
        windlass.port=*) echo "${word#*=}" >port ;;
        windlass.role=*) echo "${word#*=}" >role ;;
        windlass.release=*) echo "${word#*=}" >release ;;
        windlass.environment=*) echo "${word#*=}" >environment ;;
        esac
    done
    ;;
run)
    printf '%s\n' "$@" >"$top/run-argv"
    tr '\0' '\1' <"/proc/$$/environ" >"$top/run-environ"
    echo "output of the command"
    exit "$(say "$top/run-status" | grep . || echo 0)"
    ;;
start)
    [ ! -e "$top/start-fails" ] || { cat "$top/start-fails" >&2; exit 1; }
    echo running >"$top/containers/$1/state"
    ;;
stop)
    shift 2
    echo exited >"$top/containers/$1/state"
    ;;
ps)
    want= release= role= name= all=
    for word; do
        case $word in
        label=windlass.environment=*) want=${word##*=} ;;
        label=windlass.release=*) release=${word##*=} ;;
        label=windlass.role=*) role=${word##*=} ;;
        name=*) name=${word#name=^/?} ;;
        esac
        format=$word
    done
    case $* in *label=windlass.hook*)
        case $format in '{{.Names}} ('*) say "$top/hook-runs" ;; esac
        exit 0
        ;;
    esac
    for folder in "$top"/containers/*; do
        [ -d "$folder" ] || continue
        [ -z "$want" ] || [ "$(say "$folder/environment")" = "$want" ] || continue
        [ -z "$release" ] || [ "$(say "$folder/release")" = "$release" ] || continue
        [ -z "$role" ] || [ "$(say "$folder/role")" = "$role" ] || continue
        case $format in
        '{{.Names}}|'*) echo "${folder##*/}|$(say "$folder/role")|$(say "$folder/release")|$(say "$folder/state")|$(say "$folder/port")" ;;
        '{{.Label "windlass.port"}} '*) echo "$(say "$folder/port") $(say "$folder/release") $(say "$folder/state")" ;;
        '{{.Names}} {{.Label'*) echo "${folder##*/}" | grep -Eq "^$name" && echo "${folder##*/} $(say "$folder/environment")" ;;
        esac
    done
    exit 0
    ;;
inspect)
    for last; do :; done
    folder=$top/containers/$last
    [ -d "$folder" ] || exit 1
    case $* in
    *windlass.port*) say "$folder/port" ;;
    *slice*) echo "$last|$(say "$folder/role")|$(say "$folder/state")|none|0|$(say "$folder/code" || echo 0)|false|now|no|0|shop:1|" ;;
    esac
    exit 0
    ;;
esac
exit 0
FAKE
    cat >"$scratch/fakes/nginx" <<'FAKE'
#!/bin/sh
top=$WL_FAKES
case $1 in
-V) echo "configure arguments: --conf-path=$top/nginx/nginx.conf" >&2 ;;
-t)
    echo "nginx -t" >>"$top/calls"
    if [ -e "$top/nginx-refuses" ] && grep -qs "$(cat "$top/nginx-refuses")" "$top/nginx/windlass/shop.conf"; then
        echo 'nginx: [emerg] something is wrong in /etc/nginx/x:1' >&2
        exit 1
    fi
    ;;
-s) echo "nginx -s $2: $(grep -o '127.0.0.1:[0-9]*' "$top/nginx/windlass/shop.conf" 2>/dev/null)" >>"$top/calls" ;;
esac
exit 0
FAKE
    cat >"$scratch/fakes/sudo" <<'FAKE'
#!/bin/sh
top=$WL_FAKES
shift
[ ! -e "$top/sudo-refuses" ] || exit 1
[ "$1" != -l ] || exit 0
exec "$@"
FAKE
    cat >"$scratch/fakes/curl" <<'FAKE'
#!/bin/sh
top=$WL_FAKES
case $* in
*code=*)
    if grep -qs 'return 503' "$top/nginx/windlass/shop.conf" && [ ! -e "$top/site-elsewhere" ]; then
        printf 'HTTP/1.1 503 x\r\nx-windlass-maintenance: lock\r\n\r\ncode=503'
    else
        printf 'HTTP/1.1 200 OK\r\n\r\ncode=200'
    fi
    ;;
*) printf 200 ;;
esac
FAKE
    printf '#!/bin/sh\ncase $1 in -u) echo 1000 ;; -un) echo deploy ;; esac\n' >"$scratch/fakes/id"
    chmod 755 "$scratch/fakes"/*
    WL_FAKES=$scratch
    export WL_FAKES
}

nginx_is_ready() {
    mkdir -p "$scratch/nginx/windlass"
    echo 'include windlass/*.conf;' >"$scratch/nginx/nginx.conf"
}

step() { # script, NAME=value ...
    script=$1
    shift
    run_step "$script" WL_SET_PROJECT=shop-production WL_SET_IMAGE=reg.example/shop WL_SET_CONTAINER_PORT=8000 WL_SET_PORTS="$ports" WL_SET_SITE_URL=http://shop.example/health \
        WL_SET_NGINX_FILE="$scratch/nginx/windlass/shop.conf" WL_SET_UPSTREAM=shop WL_SET_FILES_DIR=/run/secrets WL_SET_SOAK_S=0 WL_SET_HEALTH_DEADLINE_S=2 WL_SET_DRAIN_S=0 WL_SET_STOP_S=1 "$@"
}

# What pull.sh would have written: no registry is asked here.
pulled() {
    printf 'reg.example/shop:%s\treg.example/shop@sha256:%s\tsha256:%s\n' "$version" "$number" "$number" >"$wl/releases/$release/image"
}

begin() { # job, release number
    job=$1 lock_job=$1 release=r$2 number=$2 version=$2.0.0
}

# Up to a container that runs beside the old one.
comes_up() { # job, number, NAME=value ...
    begin "$1" "$2"
    shift 2
    check "written" step write "WL_ENV_FILE=$env_file" "$@"
    pulled
    check "made" step create "$@"
    check "started" step start "$@"
}

state() { cat "$scratch/containers/$1/state" 2>/dev/null; }
says_cause() { check "the cause is told: $1" cause_has "$1"; }
calls() { grep -c -e "$1" "$scratch/calls" 2>/dev/null; }
refused() { # step, words of the cause, NAME=value ...
    refused_step=$1
    words=$2
    shift 2
    check_not "it is refused" step "$refused_step" "$@"
    says_cause "$words"
}

all_claims() {
    rm -rf "$scratch/containers" "$scratch/nginx" "$scratch/calls"
    mkdir -p "$scratch/containers" "$scratch/lock" "$scratch/nginx"
    : >"$scratch/calls"
    root=$HOME/apps/shop
    wl=$root/.windlass
    first=$(free_port)
    second=$((first + 1))
    ports=$first-$second
    port=$first sha256=none
    env_file='A="1"
'
    begin job1 1

    claim "prepare: what is missing for nginx is refused with the line that mends it, and nothing is made"
    : >"$scratch/sudo-refuses"
    refused prepare "sudo does not let deploy test and reload nginx. Fix: put this line into /etc/sudoers.d/windlass: deploy ALL=(root) NOPASSWD: .*/nginx -t, .*reload"
    rm "$scratch/sudo-refuses"
    refused prepare "cannot write .*windlass/shop.conf. Fix: sudo install -d -o deploy .*windlass"
    mkdir "$scratch/nginx/windlass"
    : >"$scratch/nginx/nginx.conf"
    refused prepare "does not take in .*Fix: echo 'include .*windlass/\*.conf;'"
    nginx_is_ready
    echo "upstream shop { server 127.0.0.1:1; }" >"$scratch/nginx/windlass/shop.conf"
    refused prepare "is not of this environment, and what others wrote is not changed"
    check "the file is as it was" grep -q '127.0.0.1:1;' "$scratch/nginx/windlass/shop.conf"
    rm "$scratch/nginx/windlass/shop.conf"
    refused prepare "the port inside the container" WL_SET_CONTAINER_PORT=
    refused prepare "There is no Docker network nowhere here" WL_SET_NETWORK=nowhere
    refused prepare "There is no /no/such here, which the volume" WL_SET_VOLUMES=/no/such:/x
    mkdir -p "$scratch/containers/shop-production-web-v7"
    echo another >"$scratch/containers/shop-production-web-v7/environment"
    refused prepare "A container called shop-production-web-v7 is here already and is not of this environment"
    rm -r "$scratch/containers/shop-production-web-v7"
    check "no container was made" test "$(calls 'docker create')" = 0

    claim "prepare: an engine that may not be used, or does not answer"
    echo 'permission denied while trying to connect' >"$scratch/docker-fails"
    refused prepare "may not use Docker. Fix: sudo usermod -aG docker deploy"
    echo 'Cannot connect to the Docker daemon' >"$scratch/docker-fails"
    refused prepare "The Docker engine does not answer. Fix: sudo systemctl start docker"
    rm "$scratch/docker-fails"

    claim "no port is free: told with who has them"
    mkdir -p "$scratch/containers/other-web-v1" && cd "$scratch/containers/other-web-v1" || exit 1
    echo another >environment && echo r9 >release && echo running >state && echo "$first" >port
    cd / || exit 1
    refused prepare "No port of $first is free" "WL_SET_PORTS=$first"
    refused create "The release's files are gone"

    claim "write and create: names of variables out of any values; no value in an argument list; what docker itself heeds goes another way"
    env_file='PLAIN="x"
LINES="one
NOT_A_NAME=\"x\"
\\"
DOCKER_HOST="tcp://app.example:1"
PATH="/app/bin"
name="n"
'
    comes_up job1 1 WL_SET_COMMAND="run 'a b' \"c\\\"d\" e\\ f ''" "WL_SET_WORKERS=worker: work it" WL_SET_MEMORY=64m
    argv=$scratch/containers/shop-production-web-v1/argv
    check "the names" test "$(tr '\n' ' ' <"$wl/releases/r1/names")" = "PLAIN LINES DOCKER_HOST PATH name "
    check "0600" test "$(stat -c %a "$wl/releases/r1/.env")" = 600
    check "each by its name" grep -qx PLAIN "$argv"
    check "the other's port was not taken" grep -qx "127.0.0.1:$second:8000" "$argv"
    check_not "no value" grep -q -e 'one' -e 'app.example' -e '/app/bin' "$argv"
    check "values in docker's own environment" grep -aq "$(printf 'PLAIN=x\001')" "$scratch/containers/shop-production-web-v1/environ"
    check "lines too" grep -aq '^NOT_A_NAME="x"$' "$scratch/containers/shop-production-web-v1/environ"
    check_not "but not the one it heeds" grep -aq 'app.example' "$scratch/containers/shop-production-web-v1/environ"
    check "which comes from a file" grep -qx -e --env-file "$argv"
    check "that is gone" test ! -e "$wl/heeded-job1"
    check "words as a shell takes them" test "$(tail -n 5 "$argv" | tr '\n' '|')" = "run|a b|c\"d|e f||"
    check "the worker has its own command, and no port" test "$(tail -n 2 "$scratch/containers/shop-production-worker-v1/argv" | tr '\n' '|')" = "work|it|"
    check "and does not run yet" test "$(state shop-production-worker-v1)" = created
    check "the port is told" grep -qx "port=$second" "$results"
    rm -r "$scratch/containers/other-web-v1"

    claim "own commands run once in a container of their own: with all that the app has but its port, no value in an argument list"
    check "it succeeds" step migrate WL_SET_MIGRATE="bin/shop eval 'a b'" WL_SET_VOLUMES=data:/data
    check "the command" test "$(tail -n 3 "$scratch/run-argv" | tr '\n' '|')" = "bin/shop|eval|a b|"
    check "its output is log" says "output of the command"
    check "it goes by itself" grep -qx -e --rm "$scratch/run-argv"
    check "the volume" grep -qx data:/data "$scratch/run-argv"
    check_not "no port" grep -qx -e -p "$scratch/run-argv"
    check_not "it does not count as the app's" grep -q windlass.environment= "$scratch/run-argv"
    check_not "no value" grep -q -e 'one' -e 'app.example' -e '/app/bin' "$scratch/run-argv"
    check "values in docker's own environment" grep -aq "$(printf 'PLAIN=x\001')" "$scratch/run-environ"
    check "nothing is left" test ! -e "$wl/command-job1"

    claim "an own command that fails says its status and what is so, before and behind the switch"
    echo 9 >"$scratch/run-status"
    refused pre_deploy "The pre-deploy command of web ended with status 9. Nothing that serves was changed. Fix: " WL_SET_PRE_DEPLOY=x
    refused migrate "The migrate command of web ended with status 9. The old release still serves; what the command has changed in the data stays changed. Fix: " WL_SET_MIGRATE=x
    refused post_deploy "The post-deploy command of web ended with status 9. The new release serves. Fix: " WL_SET_POST_DEPLOY=x
    echo 127 >"$scratch/run-status"
    refused migrate "The migrate command cannot be run: the image of web has no such program" WL_SET_MIGRATE=x
    rm "$scratch/run-status"

    claim "nothing is run beside a command of an earlier deploy that still runs"
    rm "$scratch/run-argv"
    echo 'shop-migrate-v0 (migrate of job job0)' >"$scratch/hook-runs"
    refused migrate "A command of an earlier deploy still runs here, in the container shop-migrate-v0 (migrate of job job0). Fix: wait" WL_SET_MIGRATE=x
    check "it did not run" test ! -e "$scratch/run-argv"
    rm "$scratch/hook-runs"

    claim "a line break in a variable that docker heeds is refused by name"
    begin job2 2
    check "written" step write 'WL_ENV_FILE=DOCKER_X="a
b"
'
    pulled
    refused create "The variable DOCKER_X has a line break in it"
    check_not "nothing is left of it" grep -rqs '^DOCKER_X' "$wl/heeded-job2" "$wl/heeded-job2.one"

    claim "create again after a cut: the half-made container goes, one that runs stays"
    env_file='A="1"
'
    begin job1 1
    check "again" step create "WL_SET_WORKERS=worker: work it"
    check "it runs on" test "$(state shop-production-web-v1)" = running
    check "the other was made anew" grep -q 'docker rm -f shop-production-worker-v1' "$scratch/calls"

    claim "nginx refuses the file: the old one is put back, nginx is not reloaded"
    echo "$second" >"$scratch/nginx-refuses"
    refused switch "nginx -t refuses the new configuration: something is wrong in /etc/nginx/x:1. .* is as it was, and nginx was not reloaded"
    check "there is no file, as before" test ! -e "$scratch/nginx/windlass/shop.conf"
    check "no reload" test "$(calls 'nginx -s')" = 0
    rm "$scratch/nginx-refuses"

    claim "somebody else's file is not touched, also when it comes in between"
    echo "upstream shop { server 127.0.0.1:1; }" >"$scratch/nginx/windlass/shop.conf"
    refused switch "is not of this environment any more"
    check "it is as it was" grep -q '127.0.0.1:1;' "$scratch/nginx/windlass/shop.conf"
    rm "$scratch/nginx/windlass/shop.conf"

    claim "requests that do not arrive at the new container are no success, and the undo of a first deploy stops it"
    refused switch "does not arrive at the new container on port $second. Fix: the site's configuration must say proxy_pass http://shop;"
    check "nginx was reloaded" test "$(calls "nginx -s reload: 127.0.0.1:$second")" = 1
    check "undone" step switch_back
    check "nothing was before" grep -qx nothing_before=1 "$results"
    check "it is stopped" test "$(state shop-production-web-v1)" = exited
    check "no file, as before" test ! -e "$scratch/nginx/windlass/shop.conf"

    claim "where the site needs the name, the undo of a first deploy leaves an upstream that leads nowhere, and nginx content"
    comes_up job3 3
    step switch
    cat >"$scratch/fakes/nginx.real" <"$scratch/fakes/nginx"
    printf '#!/bin/sh\n[ "$1" != -t ] || [ -e "%s" ] || exit 1\n' "$scratch/nginx/windlass/shop.conf" >"$scratch/fakes/nginx"
    check "undone" step switch_back
    check "down" grep -q 'server 127.0.0.1:1 down;' "$scratch/nginx/windlass/shop.conf"
    cp "$scratch/fakes/nginx.real" "$scratch/fakes/nginx"
    rm -f "$scratch/fakes/nginx.real" "$scratch/nginx/windlass/shop.conf"

    claim "the maintenance page is swapped in and seen, or everything is put back"
    printf '# windlass environment lock\nupstream shop { server 127.0.0.1:1; }\n' >"$scratch/nginx/windlass/shop.conf"
    conf=$scratch/nginx/windlass/shop.conf
    begin job4 3
    : >"$scratch/site-elsewhere"
    refused maintenance_on "answers 200 and not the maintenance page; everything was put back as it was"
    check "the file is as it was" grep -q '127.0.0.1:1;' "$conf"
    check_not "nothing says that it is on" test -e "$wl/maintenance"
    rm "$scratch/site-elsewhere"
    echo 'return 503' >"$scratch/nginx-refuses"
    refused maintenance_on "nginx -t refuses the maintenance page: something is wrong"
    check "the file is as it was" grep -q '127.0.0.1:1;' "$conf"
    rm "$scratch/nginx-refuses"
    check "it succeeds" step maintenance_on
    check "it asks to come back" grep -q 'Retry-After 120 always' "$conf"
    check "the upstream leads to it" grep -q "server 127.0.0.1:$(cat "$wl/maintenance"); # the maintenance page" "$conf"
    check "a second time" step maintenance_on
    echo "upstream shop { server 127.0.0.1:1; }" >"$conf"
    refused maintenance_on "is not of this environment"
    check "somebody else's file is as it was" grep -q '127.0.0.1:1;' "$conf"
    printf '# windlass environment lock\nupstream shop { server 127.0.0.1:1; }\n' >"$conf"
    check "on again" step maintenance_on

    claim "a deploy leaves the maintenance page on, and turning it off must be seen to lead to the app"
    comes_up job5 5
    check "switched" step switch
    check "it says so" says "The maintenance page stays on"
    check "nginx is not touched" grep -q 'return 503' "$conf"
    check "it is what is live" grep -qx r5 "$wl/live"
    refused maintenance_off "does not arrive at the new container"
    check "so the page is back" grep -q 'return 503' "$conf"
    check "and said to be on" test -e "$wl/maintenance"
    echo exited >"$scratch/containers/shop-production-web-v5/state"
    refused maintenance_off "does not run, so nginx would answer 502"
    rm -f "$wl/maintenance" "$conf" "$wl/live"

    claim "the lock of another job stops every step that changes what serves"
    for each in create start switch workers retire prune switch_back settle; do
        begin job4 4
        check "written" step write "WL_ENV_FILE=$env_file"
        pulled
        echo shop-production-web-v3 >"$wl/expected"
        echo running >"$scratch/containers/shop-production-web-v3/state"
        lock_job=other
        refused "$each" "belongs to job other"
    done
}

make_fakes
for each in dash busybox; do
    choose_shell "$each"
    all_claims
done
finish
