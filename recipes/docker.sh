# docker.sh - what the recipes with containers share (recipe.json names it under "shared"): finding the engine, registries, pulling an image and knowing it by its
# digest, the last words of a container, the team's own commands around the switch, old releases and their images. It stands behind lib.sh and in front of the recipe's
# own common.sh.
# shellcheck shell=sh disable=SC2154,SC2034
tab=$(printf '\t')

wl_bounded() { # seconds, command...: ended when it takes longer, where the server has timeout(1)
    if command -v timeout >/dev/null 2>&1; then
        timeout "$@"
    else
        shift
        "$@"
    fi
}

# --- the engine --------------------------------------------------------------------------------------------------------------
wl_find_docker() { # packages that bring it: for steps behind one that has asked the engine for its version
    command -v docker >/dev/null || wl_fail "Docker is not installed here. Fix: sudo apt-get install -y $1"
    if [ -z "${DOCKER_HOST:-}" ] && [ ! -S /var/run/docker.sock ] && [ -S "/run/user/$(id -u)/docker.sock" ]; then
        DOCKER_HOST=unix:///run/user/$(id -u)/docker.sock # rootless
        export DOCKER_HOST
    fi
}

wl_docker_engine() { # packages that bring it: finds Docker and sees that it answers, or fails in words; sets wl_docker_version
    wl_find_docker "$1"
    wl_docker_version=$(wl_bounded 60 docker version --format '{{.Server.Version}}' 2>&1) || wl_engine_failed "$wl_docker_version"
}

wl_engine_failed() { # what docker said
    printf '%s\n' "$1"
    case $1 in
    *'permission denied'*)
        wl_fail "The account $(id -un) may not use Docker. Fix: sudo usermod -aG docker $(id -un), which makes the account as good as root; it holds from the next login on."
        ;;
    esac
    wl_fail "The Docker engine does not answer. Fix: sudo systemctl start docker, and see why it stopped: journalctl -u docker."
}

wl_docker_disk_full() { # what was being done
    wl_data=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    wl_fail "$1 failed: the disk of the Docker engine (${wl_data:-/var/lib/docker}) is full. Fix: look with docker system df; docker image prune -a removes images that no container uses."
}

wl_last_line() { # file: the last line that says something, without colours, for a sentence
    sed "s/$(printf '\033')\[[0-9;]*m//g" "$1" | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-300
}

wl_need_docker_disk() { # a disk without room for an image is told before anything is pulled
    wl_data=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    wl_have=$(wl_free_kb "${wl_data:-/var/lib/docker}")
    if [ -n "$wl_have" ] && [ "$wl_have" -lt 16384 ]; then
        wl_fail "The disk of the Docker engine ($wl_data) is full: $(wl_mb "$wl_have") are free. Fix: look with docker system df; docker image prune -a removes images that no container uses."
    fi
    [ -z "$wl_have" ] || wl_note "The folder of Docker itself, $wl_data, has $(wl_mb "$wl_have") free."
}

wl_show_logs() { # container id, name: its last words
    wl_note "--- the last lines of $2:"
    wl_bounded 20 docker logs --tail 20 "$1" 2>&1 | tail -n 20
    wl_note "---"
}

# --- registries --------------------------------------------------------------------------------------------------------------------
# The login lives in the job's folder and ends with the step that pulls.
wl_log_in() { # at the registries of WL_REGISTRIES, for this step: wl_log_out is to be its trap
    wl_said=$wl_state/said-$WL_JOB
    [ -n "${WL_REGISTRIES:-}" ] || return 0
    wl_login=$WL_JOB_DIR/docker
    rm -rf -- "$wl_login"
    mkdir -p -- "$wl_login" || wl_write_failed "$WL_JOB_DIR" "Making a folder for the login"
    [ ! -d "$HOME/.docker/cli-plugins" ] || ln -s -- "$HOME/.docker/cli-plugins" "$wl_login/cli-plugins"
    DOCKER_CONFIG=$wl_login
    export DOCKER_CONFIG
    wl_number=0
    while [ "$wl_number" -lt "$WL_REGISTRIES" ]; do
        wl_number=$((wl_number + 1))
        eval "wl_host=\$WL_REGISTRY_${wl_number}_HOST wl_account=\$WL_REGISTRY_${wl_number}_LOGIN wl_password=\$WL_REGISTRY_${wl_number}_PASSWORD"
        wl_at=$wl_host
        [ "$wl_host" != docker.io ] || wl_at=https://index.docker.io/v1/
        printf '%s' "$wl_password" | wl_bounded 90 docker login --username "$wl_account" --password-stdin "$wl_at" >"$wl_said" 2>&1 ||
            wl_registry_failed "$wl_host" "$wl_account"
        wl_password=
        wl_note "Logged in at $wl_host as $wl_account, for this step."
    done
}

wl_log_out() {
    rm -rf -- "$WL_JOB_DIR/docker" "$wl_state/said-$WL_JOB"
}

wl_registry_failed() { # host, login
    cat "$wl_said"
    wl_text=$(cat "$wl_said")
    case $wl_text in
    *unauthorized* | *'incorrect username or password'* | *denied* | *401*)
        wl_fail "The registry $1 refuses the login of $2: wrong name or password. Fix: enter the password again on the page of registries; a token may have expired."
        ;;
    *'no space left'*) wl_write_failed "$WL_JOB_DIR" "Logging in at $1" ;;
    esac
    wl_fail "The registry $1 does not answer: $(wl_last_line "$wl_said"). Fix: see whether the server reaches it: curl -sS https://$1/v2/"
}

# --- images ----------------------------------------------------------------------------------------------------------------------
wl_pull_failed() { # image
    wl_text=$(cat "$wl_said")
    wl_host=${1%%/*}
    case $wl_host in *.* | *:*) ;; *) wl_host=docker.io ;; esac
    case $wl_text in
    *'no space left on device'*) wl_docker_disk_full "Pulling $1" ;;
    *'manifest unknown'* | *'not found'* | *'does not exist'*'repository'*)
        wl_fail "The image $1 is not in the registry. Fix: push it, or deploy a tag that is there." ;;
    *'no matching manifest'*) wl_fail "The image $1 is not built for this server ($(uname -m)). Fix: build it for this platform." ;;
    *toomanyrequests*) wl_fail "The registry $wl_host counts too many pulls from this server. Fix: choose a registry with a login in the environment's settings, or wait." ;;
    *unauthorized* | *denied* | *'authentication required'* | *'no basic auth'*)
        wl_fail "The registry $wl_host does not let this server pull $1. Fix: choose the registry and its password in the environment's settings, and see that its account may read this image." ;;
    *'no such host'* | *'connection refused'* | *timeout* | *'TLS handshake'* | *'no route to host'* | *'network is unreachable'* | *'deadline exceeded'* | *'gave HTTP response'* | *EOF*)
        wl_fail "The registry $wl_host does not answer while $1 is pulled: $(wl_last_line "$wl_said"). Fix: see whether the server reaches it: curl -sS https://$wl_host/v2/" ;;
    esac
    wl_fail "Pulling $1 failed: $(wl_last_line "$wl_said"). Fix: see the lines above; try it on the server: docker pull $1"
}

wl_pull() { # reference, platform ("-": any)
    [ "$2" != - ] || set -- "$1" ""
    wl_note "\$ docker pull ${2:+--platform $2 }$1"
    : >"$wl_said"
    # The status of the first stage counts; tee shows the lines as they come.
    { docker pull ${2:+--platform "$2"} "$1" 2>&1 || echo failed >"$wl_said.status"; } | tee "$wl_said"
    if [ -e "$wl_said.status" ]; then
        rm -f -- "$wl_said.status"
        wl_pull_failed "$1"
    fi
}

wl_pinned() { # service: the digest that it must run, or nothing
    printf '%s\n' "${WL_PINS:-}" | awk -F"$tab" -v service="$1" '$1 == service { print $2; exit }'
}

wl_digest_of() { # reference: the name with the digest that belongs to this very repository, or nothing
    wl_repository=${1%%@*}
    case ${wl_repository##*/} in *:*) wl_repository=${wl_repository%:*} ;; esac
    wl_repository=${wl_repository#docker.io/}
    wl_repository=${wl_repository#library/}
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
        awk -v repository="$wl_repository" '{ name = $0; sub(/@.*/, "", name); if (name == repository) { print; exit } }'
}

# An image as it is named, or, where WL_PINS names the service, by the digest that it must run, whatever the tag has become since: on a second server that of the
# first, in a rollback that of the earlier release. Sets wl_image_id and wl_image_digest, which is the id of one that came from no registry.
wl_pull_image() { # service, image, platform ("-": any)
    wl_want=$(wl_pinned "$1")
    wl_reference=${wl_want:-$2}
    if { [ -n "$wl_want" ] || [ "${WL_SET_PULL:-always}" = missing ]; } && docker image inspect "$wl_reference" >/dev/null 2>&1; then
        wl_note "$wl_reference is on the server already."
    else
        case $wl_reference in
        sha256:*) wl_fail "The image $2 of service $1 never was in a registry, and this server does not have the one that is wanted ($wl_reference). Fix: push it to a registry, then deploy it from there." ;;
        esac
        wl_pull "$wl_reference" "$3"
    fi
    wl_image_id=$(docker image inspect --format '{{.Id}}' "$wl_reference" 2>"$wl_said") ||
        wl_fail "The image $wl_reference is not on the server although it was pulled: $(wl_last_line "$wl_said"). Fix: deploy again."
    wl_image_digest=$wl_want
    [ -n "$wl_image_digest" ] || wl_image_digest=$(wl_digest_of "$wl_reference")
    [ -n "$wl_image_digest" ] || wl_image_digest=$wl_image_id # never pushed: known on this server only
}

# --- beside what is live -------------------------------------------------------------------------------------------------------
wl_container_logs() { # names, one a line
    wl_since=
    [ "$WL_SINCE_S" -eq 0 ] || wl_since=$(($(date +%s) - WL_SINCE_S))
    wl_follows=
    [ "$WL_FOLLOW_S" -eq 0 ] || wl_follows=-f
    wl_many=$(printf '%s\n' "$1" | wc -l)
    for wl_name in $1; do
        wl_before=
        [ "$wl_many" -eq 1 ] || wl_before="$wl_name | "
        wl_follow "$wl_before" docker logs --timestamps --tail "$WL_LINES" ${wl_since:+--since "$wl_since"} $wl_follows "$wl_name"
        [ -n "$wl_follows" ] || wait # one after the other
    done
    wl_follow_end
}

# A signal ends docker's client, not what it has begun in the container: that is found there by a variable of its own.
wl_end_marked() { # container, NAME=value
    docker exec -e WL_MARK="$2" "$1" sh -c 'for p in /proc/[0-9]*; do
        tr "\0" "\n" <"$p/environ" 2>/dev/null | grep -qxF -e "$WL_MARK" && kill -TERM "${p#/proc/}"
    done' >/dev/null 2>&1
}

wl_await() { # pid: sets wl_status. A signal that a trap takes interrupts wait
    wait "$1"
    wl_status=$?
    while kill -0 "$1" 2>/dev/null; do
        wait "$1"
        wl_status=$?
    done
}

wl_command_failed() { # status
    case $1 in
    126 | 127) wl_fail "The command ended with status $1: it, or a shell to run it, is not in the image or cannot be run. Fix: see the output above." ;;
    esac
    wl_fail "The command ended with status $1. Fix: see its output above."
}

# --- the team's own commands around the switch -------------------------------------------------------------------------------------
wl_words() { # a command, taken apart as a shell would and not expanded: one word a line
    printf '%s\n' "$1" | awk -v single="'" '{
        word = ""; some = 0; quote = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (c == "\\" && quote != single && (quote == "" || index("\"\\$`", substr($0, i + 1, 1)) > 0)) { word = word substr($0, ++i, 1); some = 1 }
            else if (quote == "" && (c == "\"" || c == single)) { quote = c; some = 1 }
            else if (c == quote) quote = ""
            else if (c == " " && quote == "") { if (some) print word; word = ""; some = 0 }
            else { word = word c; some = 1 }
        }
        if (some) print word
    }'
}

# Each runs once, in a container of its own that is made from the new release and removed at its end. Nobody but a person repeats one: a step that was cut off is
# unknown, and what it began may go on in the engine. So the container carries labels, and nothing is run beside one that still runs.
wl_hook_filters="--filter label=windlass.hook"

wl_hook_is_free() { # further docker filters: fails while a command of an earlier job still runs there
    # shellcheck disable=SC2086 # two words
    wl_left=$(docker ps $wl_hook_filters "$@" --format '{{.Names}} ({{.Label "windlass.hook"}} of job {{.Label "windlass.job"}})' | head -n 1)
    [ -z "$wl_left" ] || wl_fail "A command of an earlier deploy still runs here, in the container $wl_left. Fix: wait for its end and look at what it has done, or end it with docker stop; then deploy again."
    wl_forget_hooks "$@"
}

wl_forget_hooks() { # further docker filters: containers of commands that have ended go; one that was cut off could not remove its own
    # shellcheck disable=SC2086 # two words
    for wl_left in $(docker ps -aq $wl_hook_filters --filter status=exited --filter status=created --filter status=dead "$@"); do
        docker rm "$wl_left" >/dev/null 2>&1 || :
    done
}

wl_hook() { # its name (pre_deploy, migrate, post_deploy), lines "service: command", what is so when it fails. wl_one_off is the recipe's
    wl_hook_name=$1
    wl_so=$3
    wl_commands=0
    while IFS= read -r wl_line; do
        [ -n "$wl_line" ] || continue
        wl_commands=$((wl_commands + 1))
        wl_service=${wl_line%%:*}
        wl_note "\$${wl_line#*:}   (in a container of $wl_service)"
        wl_words "${wl_line#*:}" >"$wl_state/words-$WL_JOB" || wl_write_failed "$wl_state" "Writing the command"
        set --
        while IFS= read -r wl_word; do
            set -- "$@" "$wl_word"
        done <"$wl_state/words-$WL_JOB"
        rm -f -- "$wl_state/words-$WL_JOB"
        wl_status=0
        wl_one_off "$wl_service" "$@" </dev/null || wl_status=$?
        [ "$wl_status" -eq 0 ] || wl_hook_failed
    done <<LINES
$2
LINES
    wl_result commands "$wl_commands"
}

wl_hook_failed() {
    case $wl_hook_name in pre_deploy) wl_what="pre-deploy command" ;; post_deploy) wl_what="post-deploy command" ;; *) wl_what="migrate command" ;; esac
    case $wl_status in
    126 | 127) wl_fail "The $wl_what cannot be run: the image of $wl_service has no such program (status $wl_status). $wl_so Fix: see the lines above. No shell reads the command; for one, write sh -c '...'." ;;
    137) wl_fail "The $wl_what of $wl_service was killed (status 137), by somebody or for want of memory. $wl_so Fix: see its output above, and the server's memory." ;;
    esac
    wl_fail "The $wl_what of $wl_service ended with status $wl_status. $wl_so Fix: see its output above; a program that the image does not have is named there."
}

# --- old releases ----------------------------------------------------------------------------------------------------------------
wl_list_releases() { # file: "number id" of each release whose folder is whole; what is left of unfinished ones goes
    for wl_folder in "$wl_state/releases"/*; do
        [ -d "$wl_folder" ] || continue
        wl_name=${wl_folder##*/}
        case $wl_name in
        "$WL_RELEASE_ID.part") continue ;;
        *.part) rm -rf -- "$wl_folder" && continue ;;
        esac
        wl_number=$(sed -n 's/^release=\([0-9][0-9]*\)$/\1/p' "$wl_folder/about" 2>/dev/null | head -n 1)
        [ -z "$wl_number" ] || printf '%s %s\n' "$wl_number" "$wl_name" >>"$1"
    done
}

wl_remove_image() { # image, digest, id, file with those of the releases that are kept
    # One that never came from a registry was made here by somebody: it is not ours to remove.
    if [ -z "$3" ] || [ "$2" = "$3" ] || grep -qFx -e "$2" -e "$3" "$4"; then
        return 0
    fi
    for wl_name in "$1" "$2"; do
        [ "$(docker image inspect --format '{{.Id}}' "$wl_name" 2>/dev/null)" = "$3" ] || continue # the tag is another image by now
        # Refused by the engine while a container uses it, which is as it should be.
        ! docker image rm "$wl_name" >/dev/null 2>&1 || wl_note "Removed the image $wl_name"
    done
}
