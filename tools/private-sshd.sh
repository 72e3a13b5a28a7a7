#!/bin/sh
# private-sshd.sh - a real SSH server as a process of our own, for the demo and for tests.
#
#   tools/private-sshd.sh [options] FOLDER PORT     run it in the foreground (exec: the pid is the caller's child)
#   tools/private-sshd.sh --prepare FOLDER          only find sshd and make the keys and the folder
#   tools/private-sshd.sh --reap FOLDER             end every process that a session of this server has left running (TERM, then KILL)
#
#   --listen ADDRESS      default 127.0.0.1
#   --host-key TYPE       ed25519 (default), ecdsa or rsa; may be given more than once
#   --authorize FILE      a public key file whose lines are added to FOLDER/authorized_keys
#   --client-key FILE     make a key pair FILE, FILE.pub (where there is none) and authorize it
#   --env NAME=VALUE      of every session; no spaces in it
#   --socket PATH         a Unix socket below /run that sessions may use (as root they see a /run of their own)
#   --option "LINE"       a line of sshd_config, e.g. "MACs hmac-sha2-256-etm@openssh.com"; before ours, so it wins
#
# FOLDER then holds: host_<type>_key[.pub], authorized_keys (read at each login, so keys may be added while it runs), home/
# (what sessions see as $HOME), sshd.log, sshd.pid, sshd_config. Nothing else is written or read: not ~/.ssh, not /etc/ssh, no service, no
# user, no file under /run. It logs in only the account that runs it. Processes started in its sessions carry WL_PRIVATE_SSHD=FOLDER in their
# environment; --reap finds them by that mark and by nothing else.
#
# Which sshd: /usr/sbin/sshd when it is installed, else the Debian package unpacked (not installed) below build/cache/sshd.
# As root sshd insists on an account `sshd`, on /run/sshd and on an unlocked account; it gets all three inside a mount namespace of its own:
# a tmpfs on /run and files of ours bound over /etc/passwd and /etc/shadow. With UsePAM no, a shadow entry "!" counts as locked, "*" does not.
set -eu

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=${WL_SSHD_CACHE:-$top/build/cache/sshd}

fail() {
    printf 'private-sshd: %s\n' "$*" >&2
    exit 1
}

usage() {
    sed -n '4,6p' "$0" | sed 's/^# *//' >&2
    exit 2
}

# --- arguments ---------------------------------------------------------------------------------------------------------
listen=127.0.0.1
types=
extra=
authorize=
client_key=
environment=
socket=
prepare=no
while [ $# -gt 0 ]; do
    case $1 in
    --listen) listen=${2:?}; shift 2 ;;
    --host-key) types="$types ${2:?}"; shift 2 ;;
    --authorize) authorize=${2:?}; shift 2 ;;
    --client-key) client_key=${2:?}; shift 2 ;;
    --env) environment="$environment ${2:?}"; shift 2 ;;
    --socket) socket=${2:?}; shift 2 ;;
    --option)
        extra="$extra${2:?}
"
        shift 2
        ;;
    --prepare) prepare=yes; shift ;;
    --reap) prepare=reap; shift ;;
    --) shift; break ;;
    -*) usage ;;
    *) break ;;
    esac
done
[ -n "$types" ] || types=ed25519
if [ "$prepare" = no ]; then
    [ $# -eq 2 ] || usage
    port=$2
else
    [ $# -eq 1 ] || usage
    port=0
fi
mkdir -p -- "$1"
folder=$(CDPATH='' cd -- "$1" && pwd)

marked() { # the processes that carry this folder's mark
    grep -lzxF "WL_PRIVATE_SSHD=$folder" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
        [ "$pid" = $$ ] || echo "$pid"
    done
}

reap() {
    for signal in TERM TERM KILL KILL; do
        pids=$(marked)
        [ -n "$pids" ] || return 0
        # shellcheck disable=SC2086 # a list of numbers
        kill -s "$signal" $pids 2>/dev/null || :
        tries=0
        while [ -n "$(marked)" ] && [ "$tries" -lt 10 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
    done
    [ -z "$(marked)" ] || fail "processes $(marked | tr '\n' ' ')could not be ended"
}

if [ "$prepare" = reap ]; then
    reap
    exit 0
fi

# --- the program -------------------------------------------------------------------------------------------------------
unpack_packages() { # package names: download and unpack below the cache, without installing
    mkdir -p "$cache/deb" "$cache/root"
    (cd "$cache/deb" && apt-get download "$@" >"$cache/download.log" 2>&1) ||
        fail "could not download $* (see $cache/download.log). Fix: apt-get update, or install openssh-server."
    for package in "$cache"/deb/*.deb; do
        dpkg -x "$package" "$cache/root"
    done
}

library_packages() { # names on stdin, as `ldd` prints missing libraries: the Debian packages that hold them
    while read -r library; do
        case $library in
        libwrap.so.0) echo libwrap0 ;;
        libaudit.so.1) echo libaudit1 ;;
        libpam.so.0) echo libpam0g ;;
        libsystemd.so.0) echo libsystemd0 ;;
        libselinux.so.1) echo libselinux1 ;;
        libgssapi_krb5.so.2) echo libgssapi-krb5-2 ;;
        libkrb5.so.3) echo libkrb5-3 ;;
        libk5crypto.so.3) echo libk5crypto3 ;;
        libkrb5support.so.0) echo libkrb5support0 ;;
        libcom_err.so.2) echo libcom-err2 ;;
        libkeyutils.so.1) echo libkeyutils1 ;;
        libedit.so.2) echo libedit2 ;;
        libbsd.so.0) echo libbsd0 ;;
        libmd.so.0) echo libmd0 ;;
        libfido2.so.1) echo libfido2-1 ;;
        libcbor.so.0.8) echo libcbor0.8 ;;
        libwtmpdb.so.0) echo libwtmpdb0 ;;
        libcap-ng.so.0) echo libcap-ng0 ;;
        libcrypto.so.*) echo libssl3 ;;
        *) echo "$library" ;;
        esac
    done | sort -u
}

missing_libraries() { # programs: the libraries ldd cannot find
    for program in "$@"; do
        ldd "$program"
    done | sed -n 's/^[[:space:]]*\([^ ]*\) => not found$/\1/p' | sort -u
}

fetch_sshd() {
    [ ! -x "$cache/root/usr/sbin/sshd" ] || [ ! -e "$cache/complete" ] || return 0
    command -v apt-get >/dev/null || fail "no sshd here and no apt-get to fetch one. Fix: install OpenSSH's server."
    unpack_packages openssh-server openssh-client
    round=0
    while missing=$(missing_libraries "$cache/root/usr/sbin/sshd" "$cache/root/usr/bin/ssh-keygen") && [ -n "$missing" ]; do
        round=$((round + 1))
        [ "$round" -le 4 ] || fail "sshd still lacks $missing. Fix: install openssh-server."
        # shellcheck disable=SC2046 # a list of package names
        unpack_packages $(printf '%s\n' "$missing" | library_packages)
    done
    : >"$cache/complete"
}

if [ -x /usr/sbin/sshd ] && command -v ssh-keygen >/dev/null; then
    sshd=/usr/sbin/sshd
    keygen=$(command -v ssh-keygen)
else
    LD_LIBRARY_PATH="$cache/root/usr/lib/$(uname -m)-linux-gnu:$cache/root/lib/$(uname -m)-linux-gnu"
    export LD_LIBRARY_PATH
    if [ ! -e "$cache/complete" ]; then # another user may have made it: then there is nothing to write
        mkdir -p "$cache"
        exec 9>"$cache/lock"
        flock 9 # two tests may start at once
        fetch_sshd
        exec 9>&-
    fi
    sshd=$cache/root/usr/sbin/sshd
    keygen=$cache/root/usr/bin/ssh-keygen
fi

# --- the folder --------------------------------------------------------------------------------------------------------
mkdir -p "$folder/home"
chmod 700 "$folder" "$folder/home"
touch "$folder/authorized_keys"
chmod 600 "$folder/authorized_keys"
[ -z "$authorize" ] || cat -- "$authorize" >>"$folder/authorized_keys"
for type in $types; do
    [ -e "$folder/host_${type}_key" ] || "$keygen" -q -t "$type" -N '' -C "private sshd" -f "$folder/host_${type}_key"
done
if [ -n "$client_key" ] && [ ! -e "$client_key" ]; then
    "$keygen" -q -t ed25519 -N '' -C "private sshd client" -f "$client_key"
    cat -- "$client_key.pub" >>"$folder/authorized_keys"
fi
[ "$prepare" = no ] || exit 0

login=$(id -un)
{
    printf '%s' "$extra"
    printf 'ListenAddress %s\nPort %s\nPidFile %s/sshd.pid\n' "$listen" "$port" "$folder"
    for type in $types; do
        printf 'HostKey "%s/host_%s_key"\n' "$folder" "$type"
    done
    cat <<CONFIG
AuthorizedKeysFile "$folder/authorized_keys"
AllowUsers $login
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PermitUserRC no
PermitUserEnvironment no
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowAgentForwarding no
AllowTcpForwarding local
MaxStartups 200:30:400
MaxSessions 20
LogLevel VERBOSE
Subsystem sftp internal-sftp -d "$folder/home"
SetEnv HOME="$folder/home" WL_PRIVATE_SSHD="$folder"$environment
CONFIG
} >"$folder/sshd_config"
: >>"$folder/sshd.log"

if [ "$(id -u)" -ne 0 ]; then
    exec "$sshd" -D -f "$folder/sshd_config" -E "$folder/sshd.log"
fi

# --- as root: a view of its own ----------------------------------------------------------------------------------------
{
    grep -v '^sshd:' /etc/passwd | awk -F: -v OFS=: -v login="$login" -v home="$folder/home" '$1 == login { $6 = home } { print }'
    echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin'
} >"$folder/passwd"
printf '%s:*:19000:0:99999:7:::\n' "$login" >"$folder/shadow"
chmod 644 "$folder/passwd"
chmod 600 "$folder/shadow"
if ! unshare -m true 2>/dev/null; then
    if [ "$sshd" != /usr/sbin/sshd ] || ! id sshd >/dev/null 2>&1 || [ ! -d /run/sshd ]; then
        fail "this machine allows no mount namespace (unshare -m). Fix: run as an ordinary user, or install and start openssh-server once."
    fi
    exec "$sshd" -D -f "$folder/sshd_config" -E "$folder/sshd.log"
fi
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare -m --propagation private sh -euc '
    if [ -n "$3" ]; then # kept in the folder while /run is covered
        : >"$2/socket"
        mount --bind "$3" "$2/socket"
    fi
    mount -t tmpfs -o mode=0755,size=1m private-sshd /run
    mkdir -m 0755 /run/sshd
    if [ -n "$3" ]; then
        mkdir -p "$(dirname "$3")"
        [ -e "$3" ] || : >"$3"
        mount --bind "$2/socket" "$3"
    fi
    mount --bind "$2/passwd" /etc/passwd
    mount --bind "$2/shadow" /etc/shadow
    exec "$1" -D -f "$2/sshd_config" -E "$2/sshd.log"' sh "$sshd" "$folder" "$socket"
