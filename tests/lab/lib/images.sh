#!/bin/bash
# images.sh - root file systems of the lab's machines, built by mmdebstrap and kept (sourced by lab.sh).
#
# A kind's file in the cache and its image in the engine carry the hash of what it is made of: release, packages and the hooks below. What has
# not been used for a month is removed.

declare -A LAB_RELEASE=([12]=bookworm [13]=trixie [systemd]=bookworm [minbase]=bookworm [busybox]=bookworm [postgres]=bookworm)
LAB_TOOLS=openssh-server,iptables,ca-certificates,curl,git,nginx-light,procps,sudo,zstd
declare -A LAB_PACKAGES=(
    [12]="$LAB_TOOLS,docker.io,docker-compose"
    [13]="$LAB_TOOLS,docker.io,docker-cli,docker-compose"
    [systemd]="systemd,systemd-sysv,dbus,openssh-server"
    [minbase]=""
    [busybox]="busybox-static"
    [postgres]="postgresql-15,postgresql-client-15"
)
LAB_MACHINES="12 13 systemd"
# Host keys are made by each machine. `deploy` is the ordinary user; '*' in shadow is no password, but not a locked account.
# shellcheck disable=SC2016  # for mmdebstrap's shell
LAB_HOOKS=(--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*'
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_*' --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash --uid 1000 --password "*" deploy')

# What mmdebstrap is told, one word a line.
lab_recipe() { # kind
    case $1 in
    minbase) echo --variant=minbase ;;
    busybox) echo --variant=extract ;; # nothing but that package's files
    postgres) printf '%s\n' --variant=extract --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' ;;
    *) printf '%s\n' --variant=minbase "${LAB_HOOKS[@]}" ;;
    esac
    [ -z "${LAB_PACKAGES[$1]}" ] || echo "--include=${LAB_PACKAGES[$1]}"
    echo "${LAB_RELEASE[$1]}"
}

lab_hash() { # kind
    lab_recipe "$1" | sha256sum | cut -c1-16
}

lab_tar() { # kind
    printf '%s/%s-%s.tar\n' "$LAB_CACHE" "$1" "$(lab_hash "$1")"
}

lab_image() { # kind
    printf 'windlass-lab/%s:%s\n' "$1" "$(lab_hash "$1")"
}

lab_build() { # kind
    local tar part recipe
    tar=$(lab_tar "$1")
    if [ ! -s "$tar" ]; then
        echo "lab: building the root file system $1 (${LAB_RELEASE[$1]}); kept in $LAB_CACHE" >&2
        rm -f "$LAB_CACHE/$1"-*.part.tar # of a build that was killed
        part=${tar%.tar}.part.tar
        mapfile -t recipe < <(lab_recipe "$1")
        mmdebstrap --quiet "${recipe[@]}" "$part" >&2 || {
            rm -f "$part"
            return 1
        }
        mv "$part" "$tar"
    fi
    touch "$tar"
}

# The file, built when it is missing.
lab_rootfs() { # kind
    lab_locked "build-$1" lab_build "$1" >&2 && lab_tar "$1"
}

lab_import() { # kind
    local image
    image=$(lab_image "$1")
    docker image inspect "$image" >/dev/null 2>&1 && return 0
    lab_build "$1" && docker import --change "LABEL windlass-lab.image=$1" "$(lab_tar "$1")" "$image" >/dev/null
}

# The image in the engine, made when it is missing.
lab_need_image() { # kind
    [ -n "${LAB_RELEASE[$1]:-}" ] || lab_fail "no kind of machine is called $1; there are: $LAB_MACHINES"
    lab_locked "build-$1" lab_import "$1" || lab_fail "the image of $1 could not be built"
}

# The one layer that all images of the tests begin with: a static busybox with its links, and app.c. Prints its file.
lab_layer() {
    local layer
    layer=$LAB_CACHE/layer-$( (lab_hash busybox && cat "$LAB/app.c") | sha256sum | cut -c1-16).tar.gz
    lab_locked layer lab_build_layer "$layer" && printf '%s\n' "$layer"
}

# The layer that makes an image a real PostgreSQL: server, psql and what they are linked with, of Debian's packages. Prints its file.
lab_postgres_layer() {
    local layer
    layer=$LAB_CACHE/layer-postgres-$( (lab_hash postgres && declare -f lab_build_postgres_in) | sha256sum | cut -c1-16).tar.gz
    lab_locked layer lab_build_postgres "$layer" >&2 && printf '%s\n' "$layer"
}

lab_build_postgres() { # file
    local root
    if [ ! -s "$1" ]; then
        lab_build postgres || return 1
        root=$(mktemp -d /tmp/wl-lab-layer.XXXXXX) || return 1
        lab_build_postgres_in "$root" "$1.part" && mv "$1.part" "$1"
        rm -rf "$root"
    fi
    touch "$1"
}

lab_build_postgres_in() { # folder, file
    local from=$1/from to=$1/to program file bin=usr/lib/postgresql/15
    mkdir -p "$from" "$to/$bin/bin" "$to/$bin/lib" "$to/usr/share/postgresql" "$to/bin" "$to/lib64" "$to/etc" "$to/var/lib/postgresql/data" "$to/run/postgresql" || return 1
    tar -C "$from" --exclude='./dev/*' -xf "$(lab_tar postgres)" || return 1
    cp -a "$from/usr/share/postgresql/15" "$to/usr/share/postgresql/" && cp -aL "$from/lib64/ld-linux-x86-64.so.2" "$to/lib64/" || return 1
    cp "$from/$bin/lib/"{plpgsql,dict_snowball}.so "$to/$bin/lib/" || return 1
    for program in postgres initdb psql pg_isready; do
        cp "$from/$bin/bin/$program" "$to/$bin/bin/" && ln -s "/$bin/bin/$program" "$to/bin/$program" || return 1
        chroot "$from" /lib64/ld-linux-x86-64.so.2 --list "/$bin/bin/$program" | awk '$3 ~ /^\// { print $3 }'
    done | sort -u >"$1/libraries"
    while read -r file; do
        mkdir -p "$to${file%/*}" && cp -L "$from$file" "$to$file" || return 1
    done <"$1/libraries"
    printf 'root:x:0:0:root:/:/bin/sh\npostgres:x:70:70::/var/lib/postgresql:/bin/sh\n' >"$to/etc/passwd"
    printf 'root:x:0:\npostgres:x:70:\n' >"$to/etc/group"
    chown 70:70 "$to/var/lib/postgresql/data" "$to/run/postgresql" && chmod 700 "$to/var/lib/postgresql/data"
    tar -C "$to" --sort=name --mtime=@0 --numeric-owner -cf - . | gzip -n >"$2"
}

lab_build_layer() { # file
    local root
    if [ ! -s "$1" ]; then
        root=$(mktemp -d /tmp/wl-lab-layer.XXXXXX) || return 1
        lab_build_layer_in "$root" "$1.part" && mv "$1.part" "$1"
        rm -rf "$root"
    fi
    touch "$1"
}

lab_build_layer_in() { # folder, file
    local applet
    lab_build busybox || return 1
    mkdir -p "$1/app" "$1/etc" "$1/tmp" && chmod 1777 "$1/tmp" || return 1
    tar -C "$1" -xf "$(lab_tar busybox)" ./bin/busybox || return 1
    for applet in $("$1/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
    done
    echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
    echo 'root:x:0:' >"$1/etc/group"
    "${CC:-gcc}" -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -static -o "$1/app/app" "$LAB/app.c" || return 1
    tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . | gzip -n >"$2"
}

lab_forget_old() {
    local file kind hash
    while read -r file; do
        kind=${file##*/}
        kind=${kind%-*}
        hash=${file##*-}
        docker image rm "windlass-lab/$kind:${hash%.tar}" >/dev/null 2>&1
        rm -f "$file"
    done < <(find "$LAB_CACHE" -maxdepth 1 \( -name '*.tar' -o -name 'layer-*.tar.gz' \) -mtime +30)
}

lab_setup() { # [kind...]
    local kind job status=0 jobs=()
    # shellcheck disable=SC2086
    [ $# -gt 0 ] || set -- $LAB_MACHINES minbase layer
    lab_engine_hold >/dev/null || return 1
    for kind in "$@"; do
        case $kind in
        minbase) lab_rootfs minbase >/dev/null & ;;
        layer) lab_layer >/dev/null & ;;
        *) lab_need_image "$kind" & ;;
        esac
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || status=1
    done
    lab_forget_old
    lab_engine_release
    return $status
}
