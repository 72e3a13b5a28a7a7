#!/bin/sh
# package.sh - three releases of hello as tarballs: hello-1.0.0.tar.gz, hello-1.1.0.tar.gz, hello-1.2.0.tar.gz. The last never becomes healthy.
#
#   examples/hello/package.sh BINARY FOLDER
#
# Reproducible: the same binary gives the same bytes (fixed times, owners, order; gzip without a name), so their SHA-256 can be compared.
set -eu
[ $# -eq 2 ] || { sed -n '4p' "$0" | sed 's/^# *//' >&2; exit 2; }
binary=$1
mkdir -p "$2"
folder=$(CDPATH='' cd -- "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package() { # version, state
    mkdir "$work/$1"
    cp "$binary" "$work/$1/hello"
    printf '%s\n' "$1" >"$work/$1/VERSION"
    printf '%s\n' "$2" >"$work/$1/STATE"
    chmod 755 "$work/$1/hello"
    chmod 644 "$work/$1/VERSION" "$work/$1/STATE"
    tar --sort=name --mtime='2026-01-01 00:00:00Z' --owner=0 --group=0 --numeric-owner --format=ustar -C "$work/$1" -cf "$work/$1.tar" hello VERSION STATE
    gzip -9 -n -c "$work/$1.tar" >"$folder/.hello-$1.part"
    mv "$folder/.hello-$1.part" "$folder/hello-$1.tar.gz"
}

package 1.0.0 healthy
package 1.1.0 healthy
package 1.2.0 starting
