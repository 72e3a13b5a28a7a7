# common.sh - what the steps of this recipe share; it stands behind lib.sh and in front of each of them.
#
# In the project folder: docker-compose.yml and .env as deployed, and docker-compose.override.yml, which names each service's image by its content, so that whoever
# runs `docker compose` there by hand gets the very containers that Windlass proved. In .windlass: releases/<id>/ with the files of each release, `live`
# (the id of the one in place), `expected` (what settle.sh must see), before-<job>/ (what was there when the job began).
# Docker Compose v2 is `docker compose` or a program docker-compose of version 2; v1 is docker-compose 1.29. Both read the same files here.
# shellcheck shell=sh disable=SC2154,SC2034
wl_project_places() {
    wl_places
    wl_release=$wl_state/releases/$WL_RELEASE_ID
    wl_before=$wl_state/before-$WL_JOB
    wl_project=$WL_SET_PROJECT
}

# --- the engine --------------------------------------------------------------------------------------------------------------
wl_engine() { # finds Docker and Compose, or fails in words; sets wl_compose_kind: plugin, v2 or v1
    wl_docker_engine "docker.io docker-compose"
    # Found once a job: docker-compose v1 takes a second to say its version.
    wl_known=$(cat "$wl_state/engine-$WL_JOB" 2>/dev/null)
    if [ -n "$wl_known" ]; then
        wl_compose_kind=${wl_known%% *}
        wl_compose_version=${wl_known#* }
        return 0
    fi
    if docker compose version --short >/dev/null 2>&1; then
        wl_compose_kind=plugin
        wl_compose_version=$(docker compose version --short)
    elif wl_compose_version=$(docker-compose version --short 2>/dev/null); then
        case ${wl_compose_version#v} in
        1.2[89].* | 1.[3-9]*) wl_compose_kind=v1 ;;
        [2-9]*) wl_compose_kind=v2 ;;
        *) wl_fail "docker-compose $wl_compose_version is too old. Fix: install 1.29 or 2.17 or newer: sudo apt-get install -y docker-compose" ;;
        esac
    else
        wl_fail "Docker Compose is not installed here. Fix: sudo apt-get install -y docker-compose (or the package docker-compose-plugin of Docker's own repository)."
    fi
    [ ! -d "$wl_state" ] || printf '%s %s\n' "$wl_compose_kind" "$wl_compose_version" >"$wl_state/engine-$WL_JOB" 2>/dev/null || :
}

wl_compose() { # folder, override file ("" for none), arguments: docker compose on that folder's docker-compose.yml, with nothing of this shell's environment
    wl_folder=$1
    wl_override=$2
    shift 2
    set -- -p "$wl_project" --ansi never --project-directory "$wl_folder" --env-file "$wl_folder/.env" \
        -f "$wl_folder/docker-compose.yml" ${wl_override:+-f "$wl_override"} "$@"
    wl_run_compose "$@"
}

wl_run_compose() {
    case $wl_compose_kind in
    plugin) set -- docker compose "$@" ;;
    *) set -- docker-compose "$@" ;;
    esac
    (cd -- "${wl_folder:-/}" && exec env -i HOME="$HOME" PATH="$PATH" LC_ALL=C.UTF-8 NO_COLOR=1 COMPOSE_MENU=0 COMPOSE_INTERACTIVE_NO_CLI=1 \
        ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} ${DOCKER_CONFIG:+DOCKER_CONFIG="$DOCKER_CONFIG"} "$@")
}

wl_up_flags() { # v2 must not ask a registry again for what was pulled
    [ "$wl_compose_kind" = v1 ] || echo --pull never
}

# --- the project's containers ------------------------------------------------------------------------------------------------
wl_containers() { # ids of the project's containers, running or not
    docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$wl_project" --filter label=com.docker.compose.oneoff=False
}

# service | name | status | health | restarts | exit code | killed for memory | started | image id | restart policy | image | memory limit | ports | id
# shellcheck disable=SC2016 # Go's template, not the shell's
WL_LOOK='{{index .Config.Labels "com.docker.compose.service"}}|{{.Name}}|{{.State.Status}}|{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}|{{.RestartCount}}|{{.State.ExitCode}}|{{.State.OOMKilled}}|{{.State.StartedAt}}|{{.Image}}|{{.HostConfig.RestartPolicy.Name}}|{{.Config.Image}}|{{.HostConfig.Memory}}|{{range $port, $at := .NetworkSettings.Ports}}{{if $at}}{{range $at}}{{.HostIP}}:{{.HostPort}}->{{$port}} {{end}}{{else}}{{$port}} {{end}}{{end}}|{{.ID}}'

wl_look() { # one line per container; a container that went between the two questions is left out
    wl_ids=$(wl_containers) || return 1
    [ -n "$wl_ids" ] || return 0
    wl_inspect "$wl_ids" || :
}

wl_inspect() { # ids: one line each; 1 when one of them is gone
    # shellcheck disable=SC2086 # a list of ids
    docker inspect --type container --format "$WL_LOOK" $1 2>/dev/null
}

# --- places in the Compose file ----------------------------------------------------------------------------------------------
wl_yaml_place() { # file, dotted path: "line L, column C" of its last key, found by indentation; nothing when it is not found
    awk -v path="$2" '
        BEGIN { n = split(path, want, "."); at = 1; floor = -1 }
        {
            line = $0
            match(line, /^ */)
            indent = RLENGTH
            text = substr(line, indent + 1)
            if (text == "" || text ~ /^#/) next
            if (at > 1 && indent <= floor) exit
            key = text
            sub(/:.*$/, "", key)
            gsub(/^["'\'']|["'\'']$/, "", key)
            if (key == want[at] && text ~ /:/) {
                if (at == n) { printf "line %d, column %d", NR, indent + 1; exit }
                floor = indent
                at++
            }
        }' "$1"
}

# --- up ------------------------------------------------------------------------------------------------------------------------
wl_up() { # folder, override file: Compose makes the containers; a failure is told in words, with what the containers say
    wl_said=$wl_state/said-$WL_JOB
    rm -f -- "$wl_said.status"
    date +%s >"$wl_state/since-$WL_JOB" || wl_write_failed "$wl_state" "Writing the time"
    wl_note "\$ docker compose up -d --remove-orphans"
    # shellcheck disable=SC2046 # no flag, or two words
    { wl_compose "$1" "$2" up -d --remove-orphans --no-build $(wl_up_flags) 2>&1 || echo "$?" >"$wl_said.status"; } | tee "$wl_said"
    if [ -e "$wl_said.status" ]; then
        rm -f -- "$wl_said.status"
        wl_up_failed
    fi
    rm -f -- "$wl_said"
}

wl_up_failed() {
    wl_text=$(cat "$wl_said")
    wl_look | while IFS='|' read -r service name status health restarts code oom started image policy ref memory ports id; do
        case $status/$health in
        running/healthy | running/none) ;;
        *) wl_show_logs "$id" "$service (${name#/}, $status, exit code $code, health: $health)" ;;
        esac
    done
    case $wl_text in
    *'port is already allocated'* | *'address already in use'* | *'ports are not available'*) wl_port_taken ;;
    *'no space left on device'*) wl_docker_disk_full "Making the containers" ;;
    *'is unhealthy'* | *'dependency failed to start'*) wl_fail "A container on which others depend did not become healthy: $(wl_last_line "$wl_said"). Fix: see its last lines above; check its health check and variables." ;;
    *"didn't complete successfully"* | *'service_completed_successfully'*) wl_fail "A container that must end well before others start has failed: $(wl_last_line "$wl_said"). Fix: see its last lines above." ;;
    *'is already in use by container'*) wl_fail "A container of that name is there already and is not of this project: $(wl_last_line "$wl_said"). Fix: remove container_name from the Compose file, or the other container." ;;
    *'executable file not found'* | *'OCI runtime'* | *'oci runtime'*) wl_fail "A container cannot be started: $(wl_last_line "$wl_said"). Fix: check its command and entrypoint." ;;
    *'No such image'* | *'no such image'*) wl_fail "An image is gone from the server since it was pulled: $(wl_last_line "$wl_said"). Fix: deploy again; see who removes images there (docker image prune in cron)." ;;
    esac
    wl_fail "docker compose up failed: $(wl_last_line "$wl_said"). Fix: see the lines above."
}

wl_port_taken() { # names the port and who has it
    wl_port=$(sed -n 's/.*Bind for [^ ]*:\([0-9][0-9]*\) failed.*/\1/p; s/.*listen [a-z0-9]* [^ ]*:\([0-9][0-9]*\): bind.*/\1/p; s/.*exposing port [A-Z]* [^ ]*:\([0-9][0-9]*\) ->.*/\1/p' "$wl_said" | head -n 1)
    wl_holder=
    if [ -n "$wl_port" ]; then
        wl_holder=$(docker ps --filter "publish=$wl_port" --format 'the container {{.Names}}' | head -n 1)
        [ -n "$wl_holder" ] || wl_holder=$(wl_process_name "$(wl_port_pid "$wl_port")")
    fi
    wl_fail "Port ${wl_port:-of a service} is taken${wl_holder:+ by $wl_holder}. Fix: end what listens there, or publish another port in the Compose file."
}
