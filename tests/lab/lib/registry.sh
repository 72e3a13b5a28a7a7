#!/bin/bash
# registry.sh - a registry with a password: Debian's docker-registry as two processes over one store, one on the bridge's address for the
# machines, one on 127.0.0.1 for this machine, on the same port (sourced by lab.sh).
#
# Its folder holds everything: owner, user, port, htpasswd, the store, and the two processes. An engine takes 127.0.0.1 as insecure by itself;
# the machines' engines are told their network.

lab_registry_start() {
    local user=lab port='' folder
    while [ $# -gt 0 ]; do
        case $1 in
        --user) user=$2 && shift ;;
        --port) port=$2 && shift ;;
        *) usage ;;
        esac
        shift
    done
    command -v docker-registry >/dev/null || lab_fail "docker-registry is missing: tools/deps.sh test"
    lab_need_engine
    lab_sweep >&2
    folder=$(mktemp -d "$LAB_STATE/registry.XXXXXX") || return 1
    lab_owner >"$folder/owner" || return 1
    printf '%s\n' "$user" >"$folder/user"
    printf '%s\n' "$LAB_UP_AS" >"$folder/up"
    lab_gateway >"$folder/address"
    lab_registry_password "$folder" || return 1
    lab_registry_configure "$folder"
    if ! lab_locked registry lab_registry_listen "$folder" "$port"; then
        lab_registry_remove "$folder"
        lab_fail "the registry does not start${port:+ on port $port}"
    fi
    printf 'host=%s:%s\nlocal=127.0.0.1:%s\nfolder=%s\n' "$(cat "$folder/address")" "$(cat "$folder/port")" "$(cat "$folder/port")" "$folder"
}

lab_registry_configure() { # folder
    cat >"$1/config.yml" <<CONFIG
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $1/store}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0", secret: $(tr -dc a-f0-9 </dev/urandom | head -c 32)}
auth: {htpasswd: {realm: lab, path: $1/htpasswd}}
CONFIG
}

# bcrypt, the one scheme that the registry takes, by perl, which every Debian has. It reads the file again when that has changed.
lab_registry_password() { # folder
    local salt user
    salt=$(tr -dc a-zA-Z0-9 </dev/urandom | head -c 21)
    user=$(cat "$1/user")
    # shellcheck disable=SC2016  # perl's
    perl -e 'my ($user, $salt) = @ARGV; my $password = <STDIN>; chomp $password;
        print "$user:", crypt($password, "\$2y\$05\$" . $salt . "u"), "\n"' "$user" "$salt" >"$1/htpasswd.new" && mv "$1/htpasswd.new" "$1/htpasswd"
}

lab_port_answers() { # address, port
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# A free port is found by trying: on both addresses, or on neither.
lab_registry_listen() { # folder, port or nothing
    local folder=$1 port try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        port=${2:-$((20000 + (RANDOM * 32768 + RANDOM) % 12000))}
        printf '%s\n' "$port" >"$folder/port"
        if lab_port_answers 127.0.0.1 "$port" || lab_port_answers "$(cat "$folder/address")" "$port"; then
            continue
        fi
        lab_registry_restart "$folder" && return 0
        [ -z "$2" ] || return 1
    done
    echo "lab: no port after $try tries" >&2
    return 1
}

lab_registry_restart() { # folder
    local address port token
    port=$(cat "$1/port")
    for address in "$(cat "$1/address")" 127.0.0.1; do
        lab_detach "$1/log" env "REGISTRY_HTTP_ADDR=$address:$port" docker-registry serve "$1/config.yml"
        token=$(lab_process $!) || continue
        printf '%s\n' "$token" >"$1/process.$address"
    done
    for address in "$(cat "$1/address")" 127.0.0.1; do
        token=$(cat "$1/process.$address" 2>/dev/null)
        if ! lab_until 15 lab_registry_answers "$token" "$address" "$port" || lab_is_gone "$token"; then
            lab_registry_stop "$1"
            return 1
        fi
    done
}

lab_registry_runs() { # folder
    local file
    for file in "$1"/process.*; do
        [ -e "$file" ] && lab_owner_lives "$(cat "$file")" || return 1
    done
}

lab_registry_answers() { # process, address, port
    lab_is_gone "$1" || lab_port_answers "$2" "$3"
}

lab_registry_stop() { # folder
    local file
    for file in "$1"/process.*; do
        [ -e "$file" ] || continue
        lab_end "$(cat "$file")"
        rm -f "$file"
    done
}

lab_registry_remove() { # folder
    case $1 in "$LAB_STATE"/registry.*) ;; *) lab_fail "$1 is no registry's folder" ;; esac
    lab_registry_stop "$1"
    rm -rf "$1"
}
