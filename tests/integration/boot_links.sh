#!/bin/bash
# boot_links.sh - tools/deps.sh leaves nothing that starts: proven on a bare Debian 12 of its own (a chroot), where it installs packages that
# bring services, and by a look at this machine's boot links for what it has installed here.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
journal=$top/build/cache/deps-installed
if [ "$(id -u)" -eq 0 ] && [ -z "${WL_BOOT_LINKS_INSIDE:-}" ]; then
    # Mounts of our own, gone with us.
    WL_BOOT_LINKS_INSIDE=1 exec unshare -m --propagation private "$0"
fi
count=0

check() { # title, then a command that must succeed
    local title=$1 said
    shift
    count=$((count + 1))
    if said=$("$@" 2>&1); then
        echo "ok $count - $title"
    else
        echo "not ok $count - $title"
        printf '%s\n' "$said" | head -n 20 | sed 's/^/# /'
    fi
}

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# --- this machine -------------------------------------------------------------------------------------------------------

# Units and init scripts of the packages deps.sh has installed here must have no boot link.
nothing_enabled_here() {
    local package file name bad=0
    [ -s "$journal" ] || return 0
    while read -r package; do
        case $package in systemd | udev | dbus | dbus-*) continue ;; esac
        for file in $(dpkg -L "$package" 2>/dev/null | grep -E '^(/usr)?/lib/systemd/system/[^/]+$|^/etc/init\.d/[^/]+$'); do
            name=${file##*/}
            find /etc/systemd/system /etc/systemd/user -path '*.wants/*' -name "$name" -printf '%p is enabled\n' | grep . && bad=1
            find /etc/rc2.d /etc/rc3.d /etc/rc4.d /etc/rc5.d -name "S??$name" -printf '%p is enabled\n' 2>/dev/null | grep . && bad=1
        done
    done <"$journal"
    return $bad
}

no_policy_of_ours_here() {
    ! grep -q 'windlass tools/deps.sh' /usr/sbin/policy-rc.d 2>/dev/null && [ ! -e /usr/sbin/policy-rc.d.before-windlass ]
}

check "what deps.sh has installed here is not enabled at boot" nothing_enabled_here
check "no policy-rc.d of ours is left here" no_policy_of_ours_here

# --- a machine of its own -----------------------------------------------------------------------------------------------

if [ "$(id -u)" -ne 0 ]; then
    skip "a bare machine" "needs root for a chroot"
    echo "1..$count"
    exit 0
fi
image=$(tests/lab/lab.sh rootfs minbase) || exit 1

root=$(mktemp -d /tmp/wl-boot-links.XXXXXX)
finish() {
    umount -l "$root/proc" 2>/dev/null
    rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 1' INT TERM
tar -xpf "$image" -C "$root" || exit 1
mount -t proc proc "$root/proc" || exit 1
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
mkdir -p "$root/src/tools"
cp tools/deps.sh "$root/src/tools/"

inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}
links() {
    (cd "$root" && find etc/systemd/system etc/systemd/user etc/rc?.d -type l -printf '%p -> %l\n' | grep -v '/K' | LC_ALL=C sort)
}
same() {
    diff <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}
nothing_runs_in_it() {
    local exe found=0
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in "$root"/*) ls -l "$exe"; found=1 ;; esac
    done
    return $found
}
policy=$root/usr/sbin/policy-rc.d

# The machine's owner has systemd, a service and a policy.
cat >"$policy" <<'POLICY'
#!/bin/sh
# the owner's
exit 101
POLICY
chmod 750 "$policy"
owners=$(cat "$policy")
inside sh -c 'apt-get -qq update && apt-get -qqy install --no-install-recommends cron systemd' >"$root/apt.log" 2>&1
before=$(links)
has_owners_link() {
    printf '%s\n' "$before" | grep 'multi-user.target.wants/cron.service'
}
check "a plain apt-get makes boot links, so this test can see one" has_owners_link

# nginx and rsync bring a unit and an init script, logrotate a timer, fcgiwrap a socket.
check "nginx, rsync, logrotate and fcgiwrap install" inside /src/tools/deps.sh install nginx rsync logrotate fcgiwrap
check "no boot link was added, none of the owner's is gone" same "$before" "$(links)"
check "nothing was started" nothing_runs_in_it
check "the owner's policy-rc.d is back" same "$owners 750" "$(cat "$policy") $(stat -c %a "$policy")"
check "nginx works as a program of ours" inside nginx -v
check "what was installed is noted" grep -qx nginx "$root/src/build/cache/deps-installed"

# A run that was killed has left its policy: the next one puts the owner's back.
mv "$policy" "$policy.before-windlass"
printf '#!/bin/sh\n# windlass tools/deps.sh: services may not start while it installs\nexit 101\n' >"$policy"
check "installing what is there again works" inside /src/tools/deps.sh install nginx rsync logrotate fcgiwrap
check "after a killed run the owner's policy-rc.d is back" same "$owners 750" "$(cat "$policy") $(stat -c %a "$policy")"
check "and still no boot link was added" same "$before" "$(links)"

rm "$policy"
check "installing where there was no policy works" inside /src/tools/deps.sh install nginx
check "and leaves none" test ! -e "$policy"

# An ordinary user without sudo.
asks_for_one_command() {
    local said
    said=$(inside setpriv --reuid 65534 --regid 65534 --clear-groups /src/tools/deps.sh run 2>&1 </dev/null) && return 1
    printf '%s\n' "$said"
    [ "$(printf '%s\n' "$said" | grep -c 'as root:   /src/tools/deps.sh install .*libssh2-1-dev')" = 1 ]
}
check "without sudo it says the one command to run, and fails" asks_for_one_command
echo "1..$count"
