#!/bin/sh
# install.sh - put a built Windlass where the units and nginx.conf.example look for it.
#
#   make && sudo packaging/install.sh            on this machine: files, accounts, folders; starts and enables nothing
#   DESTDIR=/tmp/root packaging/install.sh       only files, below DESTDIR: for building a package
#
# Safe to repeat: an existing /etc/windlass/windlass.env is kept.
set -eu

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin=${BIN:-$top/build/bin}
dest=${DESTDIR:-}
libexec=$dest/usr/lib/windlass/bin
share=$dest/usr/share/windlass
doc=$dest/usr/share/doc/windlass

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

[ -x "$bin/windlass-worker" ] || fail "there is no $bin/windlass-worker. Fix: make"
[ -n "$dest" ] || [ "$(id -u)" -eq 0 ] || fail "this writes to /usr and /etc. Fix: sudo $0"

copy_tree() { # from to: ordinary files, readable by all
    (cd "$1" && find . -type f) | while read -r file; do
        mode=644
        [ ! -x "$1/$file" ] || mode=755
        install -D -m "$mode" "$1/$file" "$2/$file"
    done
}

install -d -m 755 "$libexec" "$share/pages" "$doc" "$dest/usr/bin"
for program in windlass windlass-web windlass-stream windlass-worker; do
    install -m 755 "$bin/$program" "$libexec/$program.new"
    mv -f "$libexec/$program.new" "$libexec/$program" # a running program keeps its old file
done
ln -sf ../lib/windlass/bin/windlass "$dest/usr/bin/windlass"
for folder in templates static recipes; do
    rm -rf "${share:?}/$folder"
    copy_tree "$top/$folder" "$share/$folder"
done
"$bin/windlass" pages "$share/pages"
for unit in "$top"/packaging/systemd/*; do
    install -D -m 644 "$unit" "$dest/usr/lib/systemd/system/${unit##*/}"
done
install -D -m 644 "$top/packaging/sysusers.d/windlass.conf" "$dest/usr/lib/sysusers.d/windlass.conf"
install -D -m 644 "$top/packaging/tmpfiles.d/windlass.conf" "$dest/usr/lib/tmpfiles.d/windlass.conf"
install -D -m 644 "$top/nginx.conf.example" "$doc/examples/nginx.conf"
install -m 644 "$top"/docs/running.md "$top"/docs/user-guide.md "$top"/docs/threat-model.md "$doc/"
env=$dest/etc/windlass/windlass.env
[ -e "$env" ] || install -D -m 644 "$top/packaging/windlass.env.example" "$env"
[ -z "$dest" ] || exit 0

systemd-sysusers windlass.conf
systemd-tmpfiles --create windlass.conf
group=$(getent group windlass | cut -d: -f3)
sed -i "s/^WL_GROUP=.*/WL_GROUP=$group/" "$env"
[ ! -d /run/systemd/system ] || systemctl daemon-reload
cat <<NEXT
Installed. Nothing was started. What is left to do (docs/running.md):
  1. put your https address into /etc/windlass/windlass.env (WL_ORIGIN)
  2. nginx: /usr/share/doc/windlass/examples/nginx.conf
  3. systemctl enable --now windlass-worker windlass-web.socket windlass-stream.socket windlass-web windlass-stream
  4. windlass setup-url --var /var/lib/windlass     and open what it prints
NEXT
