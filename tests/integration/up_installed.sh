#!/bin/bash
# up_installed.sh - packaging/ on a Debian 12 machine with systemd: install.sh, the units in their sandboxes, nginx.conf.example with TLS, and
# the path from the set-up address to a signed-in page. The machine is a container of our own.
# shellcheck disable=SC2016,SC2317 # text for the machine's own shell; functions called through check
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
bin=$top/build/bin
[ "${SAN:-0}" != 1 ] || bin=$top/build/san/bin
export WL_LAB_OWNER=$$
lab=tests/lab/lab.sh
name=wl-installed-$$
work=$(mktemp -d /tmp/wl-installed.XXXXXX)
trap '{ $lab server remove "$name"; $lab engine release; } >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' TERM INT
count=0

check() { # title, then a command that must succeed
    local title=$1 said
    shift
    count=$((count + 1))
    if said=$("$@" 2>&1); then
        echo "ok $count - $title"
    else
        echo "not ok $count - $title"
        printf '%s\n' "$said" | tail -n 30 | sed 's/^/# /'
    fi
}

finish() {
    echo "1..$count"
    exit 0
}

inside() { # shell text
    docker exec -i "$name" bash -euc "$1"
}

# --- what needs no machine -----------------------------------------------------------------------------------------------
if command -v systemd-analyze >/dev/null; then
    scores() { # unit, most (tenths)
        systemd-analyze security --offline=true --threshold="$2" "packaging/systemd/windlass-$1.service" >/dev/null
    }
    check "the sandbox of web scores at most 0.6" scores web 6
    check "the sandbox of stream scores at most 0.6" scores stream 6
    check "the sandbox of the worker scores at most 1.6" scores worker 16
else
    count=$((count + 1))
    echo "ok $count - the sandboxes' scores # SKIP no systemd-analyze here"
fi

if [ "${SAN:-0}" = 1 ]; then
    count=$((count + 1))
    echo "ok $count - an installed Windlass # SKIP the sanitizers do not run in these sandboxes"
    finish
fi
if ! host=$($lab engine hold 2>"$work/why"); then
    count=$((count + 1))
    echo "ok $count - an installed Windlass # SKIP $(tail -n 1 "$work/why")"
    finish
fi
[ -z "$host" ] || export DOCKER_HOST=$host
$lab server start --kind systemd --name "$name" >/dev/null || {
    count=1
    echo "not ok 1 - the machine does not start"
    finish
}

# --- the machine: our tree, and the libraries its Debian packages would bring ----------------------------------------------
libraries() {
    ldd "$bin"/windlass* /usr/sbin/nginx | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u
}
mkdir -p "$work/src/build/bin" "$work/src/docs"
cp "$bin"/windlass* "$work/src/build/bin/"
cp -rL packaging templates static recipes nginx.conf.example "$work/src/"
cp docs/*.md "$work/src/docs/"
tar -C "$work" -cf - src | docker exec -i "$name" tar -C /root -xf -
libraries | tar -chf - --transform 's,.*/,,' -T - 2>/dev/null | docker exec -i "$name" sh -c 'mkdir -p /opt/lib && tar -C /opt/lib -xf - && cd /opt/lib &&
    for l in *; do [ -e "/lib/x86_64-linux-gnu/$l" ] || cp "$l" /usr/lib/x86_64-linux-gnu/; done; ldconfig'
docker cp /usr/sbin/nginx "$name:/usr/sbin/nginx"

check "install.sh installs, and starts nothing" inside '
    /root/src/packaging/install.sh >/root/said && grep -q "Nothing was started" /root/said
    if systemctl is-active windlass-worker windlass-web windlass-stream; then exit 1; fi
    grep -Eq "^WL_GROUP=[0-9]+$" /etc/windlass/windlass.env
    [ "$(stat -c "%a %U" /var/lib/windlass/vault)" = "700 windlass-worker" ]'
check "the units are sound" inside 'systemd-analyze verify windlass-worker.service windlass-web.service windlass-web.socket windlass-stream.service windlass-stream.socket 2>&1 | grep windlass && exit 1 || :'
check "worker, web and stream start in their sandboxes" inside '
    sed -i "s,^WL_ORIGIN=.*,WL_ORIGIN=https://deploy.example.org," /etc/windlass/windlass.env
    systemctl start windlass-web.socket windlass-stream.socket windlass-worker windlass-web windlass-stream ||
        { journalctl -n 30 --no-pager; exit 1; }
    sleep 1
    systemctl is-active windlass-worker windlass-web windlass-stream || { journalctl -n 40 --no-pager; exit 1; }'
check "each runs as its own account" inside '
    for p in worker web stream; do
        pid=$(systemctl show -p MainPID --value windlass-$p)
        [ "$(stat -c %U /proc/$pid)" = root ] || [ "$(stat -c %U /proc/$pid)" = windlass-$p ]
        grep -q "^Uid:[[:space:]]*$(id -u windlass-$p)" /proc/$pid/status
    done'
check "nginx takes the example, with TLS" inside '
    mkdir -p /etc/nginx /var/lib/nginx /var/log/nginx /etc/letsencrypt/live/deploy.example.org
    cat >/etc/letsencrypt/live/deploy.example.org/fullchain.pem <<"PEM"
'"$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key" -subj /CN=deploy.example.org -days 2 2>/dev/null)"'
PEM
    cat >/etc/letsencrypt/live/deploy.example.org/privkey.pem <<"PEM"
'"$(cat "$work/key")"'
PEM
    { echo "user www-data; pid /run/nginx.pid; events {} http {"; cat /usr/share/doc/windlass/examples/nginx.conf; echo "}"; } >/etc/nginx/nginx.conf
    nginx -t && nginx'

from_setup_to_live() {
    local url
    url=$(inside 'WL_ORIGIN=https://deploy.example.org windlass setup-url') || return 1
    { docker inspect -f '{{.NetworkSettings.IPAddress}} deploy.example.org' "$name" && cat /etc/hosts; } >"$work/hosts"
    TMPDIR=$work NODE_NO_WARNINGS=1 NODE_TLS_REJECT_UNAUTHORIZED=0 unshare -m --propagation private sh -euc 'mount --bind "$1" /etc/hosts; shift; exec "$@"' sh \
        "$work/hosts" node tests/integration/lib/installed_path.mjs "$name" "$url" && return 0
    inside 'journalctl -u windlass-web -u windlass-worker -n 12 --no-pager -o cat'
    return 1
}
check "over TLS from the set-up address to a release that is live, and a broken one reverted" from_setup_to_live
check "the history of it is whole" inside 'windlass audit verify && windlass user list | grep -q "ann .*admin"'
check "kill -9 of each program is mended, and the sockets refuse nobody" inside '
    for p in web stream worker; do
        pid=$(systemctl show -p MainPID --value windlass-$p)
        kill -9 "$pid"
        for i in $(seq 100); do
            now=$(systemctl show -p MainPID --value windlass-$p)
            [ "$now" = 0 ] || [ "$now" = "$pid" ] || break
            sleep 0.1
        done
        [ "$now" != "$pid" ] && [ "$now" != 0 ]
    done
    WL_VAR=/var/lib/windlass windlass ready --wait 15'
check "a stop ends all of it" inside '
    systemctl stop windlass-web windlass-stream windlass-worker
    if grep -lza /usr/lib/windlass/[b]in/ /proc/[0-9]*/cmdline; then exit 1; fi'
finish
