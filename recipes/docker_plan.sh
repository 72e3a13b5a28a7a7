# docker_plan.sh - what the plans of the recipes with containers share (recipe.json names it under "plan"): what a tag is in its registry now, how many bytes a
# pull would bring, what runs, and how much room there is. It only asks: nothing is pulled, and what it has to remember (logins among it) lies in a folder in
# memory that goes with it. What cannot be learnt is told as not known, with the reason, and is never guessed.
# What a tag is, the engine is asked itself, since it then goes the way that a pull goes: the same registries, mirrors and certificates.
# shellcheck shell=sh disable=SC2154,SC2034

# The end of the script itself is the runner's to watch (no trap for it): what looks is a shell of its own, whose end is waited for.
wl_plan() { # the recipe's function that looks
    wl_plan_begin
    ("$1") </dev/null
    wl_status=$?
    rm -rf -- "$wl_temporary"
    exit "$wl_status"
}

wl_plan_begin() { # after the recipe's places are known; the folder of this environment's state keeps its name in wl_kept_state
    wl_kept_state=$wl_state
    wl_temporary=
    for wl_at in /dev/shm "${XDG_RUNTIME_DIR:-}" "${TMPDIR:-/tmp}"; do
        if [ -n "$wl_at" ] && [ -d "$wl_at" ] && [ -w "$wl_at" ]; then
            wl_temporary=$(mktemp -d "$wl_at/windlass-plan.XXXXXX" 2>/dev/null) && break
        fi
    done
    [ -n "$wl_temporary" ] || wl_fail "There is no folder in which to keep notes while looking (/dev/shm, /tmp). Fix: make one of them writable for $(id -un)."
    trap 'rm -rf -- "$wl_temporary"; exit 1' HUP INT TERM PIPE
    wl_state=$wl_temporary
    wl_said=$wl_temporary/said
    wl_plan_until=$(($(date +%s) + 25)) # the last question may take as long again, and the whole look has 60 s
    wl_plan_bytes=0
    umask 077
    wl_plan_log_in
}

wl_json_text() { # standard input as the inside of a JSON string; passwords and names have no control characters
    sed 's/[\\"]/\\&/g'
}

wl_base64() {
    if command -v base64 >/dev/null; then base64; else openssl base64; fi | tr -d '\n'
}

wl_registry_field() { # number, field
    eval "printf '%s' \"\${WL_REGISTRY_$1_$2-}\""
}

wl_plan_log_in() { # the logins as docker's own configuration, for `docker manifest`; nobody is asked yet
    [ -n "${WL_REGISTRIES:-}" ] || return 0
    mkdir -p -- "$wl_temporary/docker" || wl_write_failed "$wl_temporary" "Making a folder for the logins"
    DOCKER_CONFIG=$wl_temporary/docker
    export DOCKER_CONFIG
    {
        printf '{"auths":{'
        wl_number=0
        while [ "$wl_number" -lt "$WL_REGISTRIES" ]; do
            wl_number=$((wl_number + 1))
            wl_at=$(wl_registry_field "$wl_number" HOST)
            [ "$wl_at" != docker.io ] || wl_at=https://index.docker.io/v1/
            [ "$wl_number" -eq 1 ] || printf ','
            printf '"%s":{"auth":"%s"}' "$wl_at" "$({ wl_registry_field "$wl_number" LOGIN && printf ':' && wl_registry_field "$wl_number" PASSWORD; } | wl_base64)"
        done
        printf '}}\n'
    } >"$DOCKER_CONFIG/config.json" || wl_write_failed "$wl_temporary" "Writing the logins"
}

wl_plan_host() { # reference: its registry
    case ${1%%/*} in
    "$1") echo docker.io ;;
    *.* | *:* | localhost) echo "${1%%/*}" ;;
    *) echo docker.io ;;
    esac
}

wl_plan_proof() { # host: the engine's header that says who asks, or nothing
    wl_number=0
    while [ "$wl_number" -lt "${WL_REGISTRIES:-0}" ]; do
        wl_number=$((wl_number + 1))
        [ "$(wl_registry_field "$wl_number" HOST)" = "$1" ] || continue
        printf 'header = "X-Registry-Auth: %s"\n' "$(printf '{"username":"%s","password":"%s","serveraddress":"%s"}' "$(wl_registry_field "$wl_number" LOGIN | wl_json_text)" \
            "$(wl_registry_field "$wl_number" PASSWORD | wl_json_text)" "$1" | wl_base64 | tr '+/' '-_')"
    done
}

wl_plan_repository() { # reference: its name as the engine notes digests
    wl_repository=${1%%@*}
    case ${wl_repository##*/} in *:*) wl_repository=${wl_repository%:*} ;; esac
    wl_repository=${wl_repository#docker.io/}
    printf '%s' "${wl_repository#library/}"
}

wl_plan_late() { # whether there is no time left for another question to a registry
    [ "$(date +%s)" -ge "$wl_plan_until" ]
}

wl_plan_refused() { # what was said, host: sets wl_reason
    case $1 in
    *unauthorized* | *denied* | *'no basic auth'* | *'authentication required'*) wl_reason="the registry $2 does not let this server ask: choose the registry and its password in the settings" ;;
    *'manifest unknown'* | *'not found'* | *'no such manifest'* | *'name unknown'*) wl_reason="it is not in the registry $2" ;;
    *toomanyrequests*) wl_reason="the registry $2 counts too many questions from this server" ;;
    *) wl_reason="the registry $2 does not say: $(printf '%s' "$1" | tr '\n\t' '  ' | cut -c1-160)" ;;
    esac
}

# The engine's own question to the registry: GET /distribution/<reference>/json, API 1.30 and newer.
wl_plan_ask() { # reference: sets wl_answer to sha256:..., or wl_reason
    wl_answer=
    wl_socket=/var/run/docker.sock
    case ${DOCKER_HOST:-} in
    unix://*) wl_socket=${DOCKER_HOST#unix://} ;;
    ?*) wl_reason="the Docker engine of this server is reached over a network" && return 1 ;;
    esac
    wl_host=$(wl_plan_host "$1")
    {
        printf 'silent\nshow-error\nmax-time = 15\nnoproxy = "*"\nunix-socket = "%s"\nurl = "http://localhost/distribution/%s/json"\n' "$wl_socket" "$1"
        wl_plan_proof "$wl_host"
    } | curl -K - >"$wl_temporary/answer" 2>"$wl_said" || {
        wl_reason="the engine gave no answer about it: $(wl_last_line "$wl_said" | cut -c1-160)"
        return 1
    }
    wl_answer=$(grep -o '"digest": *"sha256:[0-9a-f]*"' "$wl_temporary/answer" | head -n 1 | sed 's/.*"\(sha256:[0-9a-f]*\)"/\1/')
    [ "${#wl_answer}" -ne 71 ] || return 0
    wl_answer=
    wl_plan_refused "$(sed -n 's/.*"message": *"\(.*\)".*/\1/p' "$wl_temporary/answer" | sed 's/\\"/"/g')" "$wl_host"
    return 1
}

# By name, or by the network in which its address lies. Others are never asked without TLS: the login would go in the clear.
wl_plan_is_insecure() { # host: whether the engine asks this registry without TLS
    case " $wl_insecure " in *" $1 "*) return 0 ;; esac
    printf '%s\n' "$wl_insecure" | tr ' ' '\n' | awk -v host="${1%%:*}" '
        function number(text, part) {
            if (text !~ /^[0-9.]*$/ || split(text, part, ".") != 4) return -1
            return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4]
        }
        split($1, net, "/") == 2 && number(host) >= 0 && number(net[1]) >= 0 {
            for (size = 1; net[2] < 32; net[2]++) size *= 2 # a small awk has no powers
            if (int(number(host) / size) == int(number(net[1]) / size)) found = 1
        }
        END { exit !found }'
}

wl_plan_manifest() { # reference, more arguments: what the registry has under it, in $wl_temporary/manifest
    wl_host=$(wl_plan_host "$1")
    wl_reference=$1
    shift
    ! wl_plan_is_insecure "$wl_host" || set -- --insecure "$@"
    wl_bounded 15 env DOCKER_CLI_EXPERIMENTAL=enabled docker manifest inspect "$@" "$wl_reference" >"$wl_temporary/manifest" 2>"$wl_said"
}

# Without curl the command says it of an image that is of one platform only: with a list it names those of the list.
wl_plan_ask_command() { # reference: sets wl_answer, or wl_reason
    wl_answer=
    if ! wl_plan_manifest "$1" -v; then
        wl_plan_refused "$(cat "$wl_said")" "$wl_host"
        return 1
    fi
    case $(head -c 1 "$wl_temporary/manifest") in
    '{') wl_answer=$(grep -o '"digest": *"sha256:[0-9a-f]*"' "$wl_temporary/manifest" | head -n 1 | sed 's/.*"\(sha256:[0-9a-f]*\)"/\1/') ;;
    esac
    [ -n "$wl_answer" ] || wl_reason="the tag is one of several platforms, and the server has no curl to ask its engine. Install it: sudo apt-get install -y curl"
    [ -n "$wl_answer" ]
}

wl_plan_size() { # name@digest: sets wl_bytes to what a pull would bring at most, or to nothing
    wl_bytes=
    wl_plan_manifest "$1" || return 1
    wl_size=$(awk -v machine="$wl_machine" '
        function value(text) { sub(/^[^:]*: */, "", text); gsub(/[",]/, "", text); return text }
        /"manifests":/ { list = 1 }
        list && /"digest":/ { digest = value($0) }
        list && /"architecture":/ && value($0) == machine && found == "" { found = digest }
        !list && /"size":/ { sum += value($0); some = 1 }
        END { if (found != "") print found; else if (!list && some) printf "%.0f\n", sum }' "$wl_temporary/manifest")
    case $wl_size in
    sha256:*) if [ -z "${2:-}" ]; then wl_plan_size "${1%@*}@$wl_size" once; else return 1; fi ;;
    *) wl_bytes=$wl_size ;;
    esac
}

# What this service would run: sets wl_digest (name@sha256:..., or nothing), wl_bytes (to be pulled at most; nothing: not known), wl_here (yes, no) and wl_reason
# (why the digest is not known).
wl_plan_image() { # service, reference
    wl_digest=
    wl_bytes=
    wl_reason=
    wl_here=no
    wl_want=$(wl_pinned "$1")
    [ -n "$2" ] || { wl_reason="its name has a variable that only the server's own variables fill in" && return 0; }
    wl_pin=${wl_want:-$2}
    case $wl_pin in
    sha256:*)
        if docker image inspect "$wl_want" >/dev/null 2>&1; then
            wl_digest=$wl_want wl_here=yes wl_bytes=0
        else
            wl_reason="it never was in a registry, and this server does not have it"
        fi
        return 0
        ;;
    *@sha256:*) wl_digest=$(wl_plan_repository "$wl_pin")@${wl_pin##*@} ;;
    esac
    if [ -z "$wl_digest" ] && [ "${WL_SET_PULL:-always}" = missing ] && docker image inspect "$2" >/dev/null 2>&1; then
        wl_here=yes wl_bytes=0
        wl_digest=$(wl_digest_of "$2")
        [ -n "$wl_digest" ] || wl_reason="it is on this server and came from no registry"
        return 0
    fi
    if [ -n "$wl_digest" ] && docker image inspect "$wl_digest" >/dev/null 2>&1; then
        wl_here=yes wl_bytes=0
        return 0
    fi
    if wl_plan_late; then
        wl_reason="there was no time left to ask its registry"
        return 0
    fi
    if command -v curl >/dev/null; then wl_plan_ask "$wl_pin"; else wl_plan_ask_command "$wl_pin"; fi || return 0
    wl_digest=$(wl_plan_repository "$wl_pin")@$wl_answer
    if docker image inspect "$wl_digest" >/dev/null 2>&1; then
        wl_here=yes wl_bytes=0
    elif ! wl_plan_late; then
        wl_plan_size "$wl_digest" || :
    fi
}

wl_plan_runs() { # image id, reference, planned digest or nothing: the running image by its digest, in the words of the planned one where it is the same
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
        awk -v id="$1" -v repository="$(wl_plan_repository "$2")" -v planned="$3" '
            $0 != "" && $0 == planned { same = 1 }
            { name = $0; sub(/@.*/, "", name); if (name == repository && own == "") own = $0 }
            END {
                if (same || id == planned) own = planned
                print (own == "" ? id : own)
            }'
}

# One line of what is planned for a service, as cgi/pages/plan_look.c reads it.
wl_plan_tell() { # number, service, reference, running digest, how many run, how many are there
    if [ -n "$wl_bytes" ] && [ -n "$wl_plan_bytes" ]; then wl_plan_bytes=$((wl_plan_bytes + wl_bytes)); else wl_plan_bytes=; fi
    wl_result "planned_$1" "$2$tab$3$tab$wl_digest$tab$wl_bytes$tab$wl_here$tab$4$tab$5$tab$6$tab$wl_reason"
    wl_note "$2: ${wl_digest:-not known, $wl_reason}${wl_bytes:+, $wl_bytes bytes to pull at most}; runs: ${4:-nothing}"
}

wl_plan_engine() { # packages that bring it: the engine, its processor, and the registries it trusts without TLS
    wl_docker_engine "$1"
    wl_machine=$(docker version --format '{{.Server.Arch}}' 2>/dev/null)
    wl_insecure=$(docker info --format '{{range $name, $index := .RegistryConfig.IndexConfigs}}{{if not $index.Secure}}{{$name}} {{end}}{{end}}{{range .RegistryConfig.InsecureRegistryCIDRs}}{{.}} {{end}}' 2>/dev/null)
    wl_result engine "$wl_docker_version"
}

wl_plan_disks() { # the room where images and files go, once all images were told
    wl_data=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    wl_data=${wl_data:-/var/lib/docker}
    wl_plan_disk 1 "images" "$wl_data" "${wl_plan_bytes:+$(((wl_plan_bytes + 1023) / 1024))}"
    wl_plan_disk 2 "files" "$wl_root" 1024
}
