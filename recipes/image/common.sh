# common.sh - what the steps of this recipe share; it stands behind lib.sh and docker.sh and in front of each of them.
#
# A release is containers: one of the role `web`, and one for each worker. They are called <project>-<role>-v<number> and labelled with dashboard, environment,
# release and role; what has not our environment's label is never touched. In .windlass: releases/<id>/ with the variables, secret files, roles and commands
# of each release, `live` (the id of the one that serves), `expected` (the containers that must run), before-<job>/ (what was there when the job began),
# switched-<job> (when nginx was pointed at the new container), restarted-<job> (the undo had to start the old one).
# shellcheck shell=sh disable=SC2154,SC2034

wl_image_places() {
    wl_places
    wl_release=$wl_state/releases/$WL_RELEASE_ID
    wl_before=$wl_state/before-$WL_JOB
    wl_switched=$wl_state/switched-$WL_JOB
    wl_maintenance=$wl_state/maintenance # there while the maintenance page answers: its port
    wl_environment=${WL_ENVIRONMENT:-$(wl_owner environment)} # its id; reading back knows none, and needs none
    case ${WL_SET_NGINX_FILE:-} in
    /* | '') wl_upstream=${WL_SET_NGINX_FILE:-} ;;
    *) wl_upstream=$HOME/$WL_SET_NGINX_FILE ;;
    esac
}

wl_is_behind_nginx() {
    [ -n "${WL_SET_SITE_URL:-}" ]
}

wl_say() { # text, file in .windlass: there in one instant
    { printf '%s\n' "$1" >"$wl_state/$2.next" && mv -fT -- "$wl_state/$2.next" "$wl_state/$2"; } || wl_write_failed "$wl_state" "Writing $2"
}

wl_pause() { # half a second; busybox may know whole ones only
    sleep 0.5 2>/dev/null || sleep 1
}

# --- containers --------------------------------------------------------------------------------------------------------------
wl_name_of() { # role: the container of this release
    # shellcheck disable=SC2153 # the release's number
    printf '%s-%s-v%s' "$WL_SET_PROJECT" "$1" "$WL_RELEASE"
}

wl_ours() { # docker ps arguments: "name|role|release|state|port" of this environment's containers
    docker ps -a --no-trunc --filter "label=windlass.environment=$wl_environment" "$@" \
        --format '{{.Names}}|{{.Label "windlass.role"}}|{{.Label "windlass.release"}}|{{.State}}|{{.Label "windlass.port"}}'
}

wl_running() { # the same, of those that run
    wl_ours | awk -F'|' '$4 == "running" || $4 == "restarting"'
}

wl_of() { # a field of the container of a role and release: 1 name, 4 state, 5 port
    wl_ours --filter "label=windlass.release=$2" --filter "label=windlass.role=$1" | head -n 1 | cut -d'|' -f"$3"
}

wl_label() { # container, label
    docker inspect --type container --format "{{index .Config.Labels \"windlass.$2\"}}" "$1" 2>/dev/null
}

wl_stop() { # container
    wl_note "\$ docker stop -t ${WL_SET_STOP_S:-10} $1"
    docker stop -t "${WL_SET_STOP_S:-10}" "$1" >/dev/null 2>"$wl_state/said-$WL_JOB" || {
        docker inspect --type container "$1" >/dev/null 2>&1 || return 0 # gone meanwhile
        wl_fail "The container $1 cannot be stopped: $(wl_last_line "$wl_state/said-$WL_JOB"). Fix: stop it on the server: docker stop $1"
    }
}

wl_start() { # container
    wl_said=$wl_state/said-$WL_JOB
    wl_note "\$ docker start $1"
    docker start "$1" >"$wl_said" 2>&1 && return 0
    cat "$wl_said"
    wl_text=$(cat "$wl_said")
    case $wl_text in
    *'port is already allocated'* | *'address already in use'* | *'ports are not available'*)
        wl_port=$(wl_label "$1" port)
        wl_fail "Port $wl_port is taken by $(wl_holder "$wl_port"). Fix: end that, or give the app other ports in the settings; deploy again."
        ;;
    *'executable file not found'* | *'permission denied'* | *'no such file or directory'*)
        wl_fail "The container $1 cannot be started: $(wl_last_line "$wl_said"). Fix: check the command in the settings and the image's own." ;;
    *'No such container'* | *'no such container'*) wl_fail "The container $1 is gone. Fix: deploy again; see who removes containers there (docker container prune in cron)." ;;
    *'no space left on device'*) wl_docker_disk_full "Starting $1" ;;
    esac
    wl_fail "The container $1 cannot be started: $(wl_last_line "$wl_said"). Fix: see the lines above; try it on the server: docker start $1"
}

wl_holder() { # port: who has it, for a sentence
    wl_who=$(docker ps --filter "publish=$1" --format 'the container {{.Names}}' 2>/dev/null | head -n 1)
    [ -n "$wl_who" ] || wl_who=$(wl_process_name "$(wl_port_pid "$1")")
    printf '%s' "$wl_who"
}

# --- making containers -----------------------------------------------------------------------------------------------------------
# A variable's value is in nobody's argument list: docker takes it from its own environment (-e NAME), into which a shell has read the file, byte for byte. The few
# names that docker itself would heed go through a file (0600), in which a value is one line.
wl_variables_for_docker() { # to be called once, before wl_container; what it writes ends with the step
    wl_heeded=$(grep -e '^DOCKER_' -e '^BUILDKIT_' -e '^GO[A-Z]*$' -e '^OTEL_' "$wl_release/names")
    wl_heeded_file=$wl_state/heeded-$WL_JOB
    trap 'rm -f -- "$wl_heeded_file"' EXIT
    : >"$wl_heeded_file" || wl_write_failed "$wl_state" "Writing the variables"
    for wl_variable in $wl_heeded; do
        # shellcheck disable=SC1091 # the release's own, which may have a variable of any name
        (set -- "$wl_variable" && . "$wl_release/.env" && eval "printf '%s=%s\n' \"\$1\" \"\${$1}\"") >"$wl_heeded_file.one" || wl_write_failed "$wl_state" "Writing the variables"
        [ "$(wc -l <"$wl_heeded_file.one")" -eq 1 ] || { rm -f -- "$wl_heeded_file.one"; wl_fail "The variable $wl_variable has a line break in it, and docker itself heeds this name. Fix: rename it, or write its value on one line."; }
        { cat "$wl_heeded_file.one" >>"$wl_heeded_file" && rm -f -- "$wl_heeded_file.one"; } || wl_write_failed "$wl_state" "Writing the variables"
    done
    # Without a configuration of the account's: it may have proxies, which docker would add to the variables.
    wl_docker=$(command -v docker)
    wl_set_env=$(command -v env)
    wl_endpoint=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)
    wl_endpoint=${DOCKER_HOST:-${wl_endpoint:-unix:///var/run/docker.sock}}
    mkdir -p -- "$wl_state/no-config" || wl_write_failed "$wl_state" "Making a folder"
    [ -s "$wl_release/image" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
    IFS=$tab read -r wl_image wl_image_digest wl_image_id <"$wl_release/image"
}

wl_address() { # where the app is published
    if wl_is_behind_nginx; then echo 127.0.0.1; else echo "${WL_SET_PUBLISH_ON:-127.0.0.1}"; fi
}

wl_container() { # create or run, name, role or hook, port on the server or nothing, file with the words of its command
    wl_command_file=$5
    wl_name=$2
    case $1 in
    create)
        set -- create "$4" --name "$2" --restart no --label "windlass.environment=$wl_environment" --label "windlass.release=$WL_RELEASE_ID" \
            --label "windlass.number=$WL_RELEASE" --label "windlass.role=$3" --label "windlass.image=$wl_image"
        [ -z "$2" ] || set -- "$@" --label "windlass.port=$2" -p "$(wl_address):$2:$WL_SET_CONTAINER_PORT"
        ;;
    *) set -- run "" --rm --name "$2" --label "windlass.hook=$3" --label "windlass.job=$WL_JOB" --label "windlass.hook_of=$wl_environment" ;;
    esac
    wl_verb=$1
    shift 2
    set -- "$wl_docker" --host "$wl_endpoint" --config "$wl_state/no-config" "$wl_verb" "$@" --label "windlass.instance=$(wl_owner instance)"
    for wl_volume in ${WL_SET_VOLUMES:-}; do
        case $wl_volume in ./*) wl_volume=$wl_root/${wl_volume#./} ;; esac
        set -- "$@" -v "$wl_volume"
    done
    while read -r wl_number wl_mode wl_path; do
        set -- "$@" --mount "type=bind,source=$wl_release/files/$wl_path,target=${WL_SET_FILES_DIR%/}/$wl_path,readonly"
    done <"$wl_release/files.list"
    [ -z "${WL_SET_MEMORY:-}" ] || set -- "$@" --memory "$WL_SET_MEMORY" --memory-swap "$WL_SET_MEMORY"
    [ -z "${WL_SET_USER:-}" ] || set -- "$@" --user "$WL_SET_USER"
    [ -z "${WL_SET_NETWORK:-}" ] || set -- "$@" --network "$WL_SET_NETWORK"
    while IFS= read -r wl_variable; do
        printf '%s\n' "$wl_heeded" | grep -qFx -e "$wl_variable" || set -- "$@" -e "$wl_variable"
    done <"$wl_release/names"
    [ ! -s "$wl_heeded_file" ] || set -- "$@" --env-file "$wl_heeded_file"
    set -- "$@" "$wl_image_digest"
    while IFS= read -r wl_word; do
        set -- "$@" "$wl_word"
    done <"$wl_command_file"
    for wl_variable in $wl_heeded; do
        set -- -u "$wl_variable" "$@"
    done
    [ -z "$wl_heeded" ] || set -- "$wl_set_env" "$@"
    # shellcheck disable=SC1091 # the release's own
    (set -a && . "$wl_release/.env" && exec "$@")
}

wl_one_off() { # service, words: their status. A container of its own, with all that the app has but its port
    shift
    printf '%s\n' "$@" >"$wl_state/command-$WL_JOB" || wl_write_failed "$wl_state" "Writing the command"
    wl_of_command=0
    wl_container run "$WL_SET_PROJECT-$(printf '%s' "$wl_hook_name" | tr _ -)-v$WL_RELEASE" "$wl_hook_name" "" "$wl_state/command-$WL_JOB" 2>&1 || wl_of_command=$?
    rm -f -- "$wl_state/command-$WL_JOB"
    return "$wl_of_command"
}

wl_image_hook() { # name, command, what is so when it fails
    wl_hook_is_free --filter "label=windlass.hook_of=$wl_environment"
    wl_variables_for_docker
    wl_hook "$1" "web: $2" "$3"
}

# --- ports -------------------------------------------------------------------------------------------------------------------
wl_ports() { # the ports of the setting, one a line
    printf '%s\n' "${WL_SET_PORTS:-}" | tr ' ' '\n' |
        awk -F- 'NF == 1 && $1 != "" { print $1 } NF == 2 { for (port = $1; port <= $2; port++) print port }'
}

# One that nobody listens on, that no container has been given which will run again (the live release may be started again by the undo), and that is not about to
# be taken by another environment's.
wl_free_port() {
    wl_given=$(docker ps -a --filter label=windlass.port --format '{{.Label "windlass.port"}} {{.Label "windlass.release"}} {{.State}}' |
        awk -v own="$WL_RELEASE_ID" -v live="$(cat "$wl_state/live" 2>/dev/null)" '$2 != own && ($2 == live || $3 ~ /^(running|created|restarting)$/) { print $1 }')
    wl_given="$wl_given
$(cat "$wl_maintenance" 2>/dev/null)"
    for wl_port in $(wl_ports); do
        case "
$wl_given
" in *"
$wl_port
"*) continue ;; esac
        [ -n "$(wl_port_inode "$wl_port")" ] || { echo "$wl_port" && return 0; }
    done
    return 1
}

wl_no_port() { # why there is none
    wl_list=
    for wl_port in $(wl_ports | head -n 5); do
        [ -z "$(wl_port_inode "$wl_port")" ] || wl_list="$wl_list, $wl_port by $(wl_holder "$wl_port")"
    done
    wl_fail "No port of $WL_SET_PORTS is free${wl_list:+: ${wl_list#, }}. Fix: end what listens there, or give a larger range in the environment's settings; behind nginx a deploy needs one port beside the live one."
}

# --- watching ----------------------------------------------------------------------------------------------------------------
# name | role | status | health | restarts | exit code | killed for memory | started | restart policy | memory limit | image | ports
# shellcheck disable=SC2016 # Go's template, not the shell's
WL_LOOK='{{slice .Name 1}}|{{index .Config.Labels "windlass.role"}}|{{.State.Status}}|{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}|{{.RestartCount}}|{{.State.ExitCode}}|{{.State.OOMKilled}}|{{.State.StartedAt}}|{{.HostConfig.RestartPolicy.Name}}|{{.HostConfig.Memory}}|{{index .Config.Labels "windlass.image"}}|{{range $port, $at := .NetworkSettings.Ports}}{{if $at}}{{range $at}}{{.HostIP}}:{{.HostPort}}->{{$port}} {{end}}{{else}}{{$port}} {{end}}{{end}}'

wl_look() { # names in a file: a line for each that is there
    # shellcheck disable=SC2046 # a list of names
    docker inspect --type container --format "$WL_LOOK" $(cat "$1") 2>/dev/null || :
}

wl_judge() { # file of lines, file of names: good, wait or bad | container | why
    awk -F'|' -v names="$2" '
        function tell(how, name, text) { if (how == "bad" && worst != "bad" || worst == "") { worst = how; who = name; why = text } }
        BEGIN { while ((getline line <names) > 0) want[line] = 1 }
        { seen[$1] = 1 }
        $3 == "running" && $4 == "unhealthy" { tell("wait", $1, "is unhealthy: its health check fails"); next }
        $3 == "running" && $4 == "starting" { tell("wait", $1, "has not passed its health check yet"); next }
        $3 == "running" { next }
        $7 == "true" || $6 == 137 { tell("bad", $1, "was killed (exit code " $6 "), as happens to one that needs more memory than it may have" ($10 > 0 ? sprintf(" (its limit is %d MB)", $10 / 1000000) : "")); next }
        $3 == "restarting" { tell("wait", $1, "has ended with exit code " $6 " and is being started again"); next }
        $3 == "exited" || $3 == "dead" { tell("bad", $1, "has ended with exit code " $6); next }
        { tell("wait", $1, "is " $3) }
        END {
            for (name in want) if (!(name in seen)) tell("bad", name, "is gone")
            print (worst == "" ? "good" : worst) "|" who "|" why
        }' "$1"
}

wl_report() { # file of names: what is shown on the environment's page, and in the log
    wl_count=0
    wl_look "$1" | sort -t'|' -k2,2 >"$wl_state/now-$WL_JOB.report"
    while IFS='|' read -r wl_shown wl_role wl_status wl_health wl_restarts wl_code wl_oom wl_started wl_policy wl_memory wl_ref wl_published; do
        wl_count=$((wl_count + 1))
        [ "$wl_health" != none ] || wl_health=
        wl_result "service_$wl_count" "$wl_role$tab$wl_shown$tab$wl_status$tab$wl_health$tab$wl_restarts$tab$wl_ref$tab${wl_published% }$tab$wl_code"
        wl_note "  $wl_shown: $wl_status${wl_health:+, $wl_health}${wl_published:+, $wl_published}"
    done <"$wl_state/now-$WL_JOB.report"
    rm -f -- "$wl_state/now-$WL_JOB.report"
}

wl_watch_failed() { # "how|container|why"
    wl_c=$(printf '%s' "$1" | cut -d'|' -f2)
    wl_why=$(printf '%s' "$1" | cut -d'|' -f3)
    wl_report "$wl_state/expected"
    [ "$wl_why" = "is gone" ] || wl_show_logs "$wl_c" "$wl_c"
    case $wl_why in
    *memory*) wl_fix="raise the memory limit in the settings, or let the app use less" ;;
    *'health check'*) wl_fix="see its last lines above, and what its health check says: docker inspect --format '{{json .State.Health}}' $wl_c" ;;
    *'is gone') wl_fix="deploy again; see who removes containers there" ;;
    *) wl_fix="see its last lines above; check its variables and its command" ;;
    esac
    wl_fail "The container $wl_c $wl_why. Fix: $wl_fix."
}

# Until all that is expected runs, is healthy where the image has a health check, and has stayed so. What Docker's exit status said does not count here.
wl_watch() { # file of names
    wl_now=$wl_state/now-$WL_JOB
    wl_begun=$(date +%s)
    wl_deadline=$((wl_begun + ${WL_SET_HEALTH_DEADLINE_S:-60} + ${WL_SET_SOAK_S:-5}))
    wl_good=
    wl_signature=
    wl_told=
    while :; do
        wl_look "$1" >"$wl_now" || wl_write_failed "$wl_state" "Looking at the containers"
        wl_verdict=$(wl_judge "$wl_now" "$1")
        wl_clock=$(date +%s)
        case $wl_verdict in
        good*)
            wl_seen=$(cut -d'|' -f1,5,8 "$wl_now" | sort)
            [ "$wl_seen" = "$wl_signature" ] && [ -n "$wl_good" ] || wl_good=$wl_clock
            wl_signature=$wl_seen
            [ $((wl_clock - wl_good)) -lt "${WL_SET_SOAK_S:-5}" ] || break
            ;;
        bad*) wl_watch_failed "$wl_verdict" ;;
        *)
            wl_good=
            [ "$wl_clock" -lt "$wl_deadline" ] || wl_watch_failed "$wl_verdict"
            ;;
        esac
        [ "$wl_clock" -lt $((wl_deadline + ${WL_SET_SOAK_S:-5})) ] || wl_watch_failed "wait|$(head -n 1 "$1")|does not stay up for ${WL_SET_SOAK_S:-5} s without a restart"
        wl_line=$(printf '%s' "$wl_verdict" | cut -d'|' -f2,3 | tr '|' ' ')
        if [ -n "${wl_line# }" ] && [ "$wl_line" != "$wl_told" ]; then
            wl_note "Waiting: $wl_line"
            wl_told=$wl_line
        fi
        wl_pause
    done
    rm -f -- "$wl_now"
}

# Watched, a container must not come back by itself; from then on it must, also after a reboot.
wl_keep_alive() { # file of names
    # shellcheck disable=SC2046 # a list of names
    docker update --restart unless-stopped $(cat "$1") >/dev/null 2>"$wl_state/said-$WL_JOB" ||
        wl_fail "The restart policy of the containers cannot be set: $(wl_last_line "$wl_state/said-$WL_JOB"). Fix: deploy again."
}

# --- nginx -------------------------------------------------------------------------------------------------------------------
wl_as_root() { # command, by the one name that sudo knows
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

wl_nginx_reload() { # sets wl_reload to the command that may be used, or to nothing
    wl_nginx=$(command -v nginx)
    wl_systemctl=
    [ ! -d /run/systemd/system ] || wl_systemctl=$(command -v systemctl)
    wl_reload="$wl_nginx -s reload"
    if [ "$(id -u)" -eq 0 ]; then return 0; fi
    for wl_reload in ${wl_systemctl:+"$wl_systemctl reload nginx"} "$wl_nginx -s reload"; do
        # shellcheck disable=SC2086 # words
        ! sudo -n -l $wl_reload >/dev/null 2>&1 || return 0
    done
    wl_reload=
}

wl_sudoers() { # the line that a person copies
    if [ -n "$wl_systemctl" ]; then
        printf '%s ALL=(root) NOPASSWD: %s -t, %s reload nginx' "$(id -un)" "$wl_nginx" "$wl_systemctl"
    else
        printf '%s ALL=(root) NOPASSWD: %s -t, %s -s reload' "$(id -un)" "$wl_nginx" "$wl_nginx"
    fi
}

wl_nginx_test() { # what it says, in said-<job>
    wl_as_root "$(command -v nginx)" -t >"$wl_state/said-$WL_JOB" 2>&1
}

wl_nginx_said() { # its own words, for a sentence
    { grep -m 1 -e '\[emerg\]' -e 'sudo: ' "$wl_state/said-$WL_JOB" || wl_last_line "$wl_state/said-$WL_JOB"; } | sed 's/^nginx: //; s/^.*\[emerg\] //; s/^[0-9]*#[0-9]*: //' | cut -c1-300
}

wl_reload_nginx() {
    wl_nginx_reload
    # shellcheck disable=SC2086 # words
    wl_as_root ${wl_reload:-"$wl_nginx" -s reload} >"$wl_state/said-$WL_JOB" 2>&1 ||
        wl_fail "nginx cannot be reloaded: $(wl_nginx_said). Fix: look on the server: sudo ${wl_reload:-nginx -s reload}"
}

wl_upstream_text() { # server line
    printf '# windlass environment %s\n# Written by Windlass for %s / %s at each deploy; what is changed here by hand is lost. The site says: proxy_pass http://%s;\nupstream %s {\n    %s\n}\n' \
        "$wl_environment" "$WL_APP" "$WL_ENV" "$WL_SET_UPSTREAM" "$WL_SET_UPSTREAM" "$1"
}

wl_is_our_upstream() {
    [ "$(head -n 1 "$wl_upstream" 2>/dev/null)" = "# windlass environment $wl_environment" ]
}

wl_put_upstream() { # file with the text: in one instant. The name in between is no *.conf, which an include may take
    wl_part=${wl_upstream%/*}/.${wl_upstream##*/}.wl-$WL_JOB
    { cp -- "$1" "$wl_part" && chmod 0644 "$wl_part" && { sync -f "$wl_part" 2>/dev/null || sync; } && mv -fT -- "$wl_part" "$wl_upstream"; } || {
        rm -f -- "$wl_part"
        wl_write_failed "${wl_upstream%/*}" "Writing the upstream's file"
    }
}

wl_is_included() { # whether the configuration takes the upstream's file in, as far as it can be read
    conf=$(nginx -V 2>&1 | sed -n 's/.*--conf-path=\([^ ]*\).*/\1/p')
    conf=${conf:-/etc/nginx/nginx.conf}
    grep -rhs '^[[:space:]]*include[[:space:]]' "${conf%/*}" | sed 's/^[[:space:]]*include[[:space:]]*//; s/[[:space:]]*;.*//; s/^["'\'']//; s/["'\'']$//' >"$wl_state/includes-$WL_JOB"
    found=1
    while IFS= read -r pattern; do
        case $pattern in /*) ;; *) pattern=${conf%/*}/$pattern ;; esac
        # shellcheck disable=SC2254 # a pattern it is
        case $wl_upstream in $pattern) found=0 ;; esac
    done <"$wl_state/includes-$WL_JOB"
    rm -f -- "$wl_state/includes-$WL_JOB"
    return "$found"
}

wl_nginx_ready() { # everything about nginx that can be known to fail
    command -v curl >/dev/null || wl_fail "The server lacks curl, with which is asked whether requests arrive. Fix: sudo apt-get install -y curl"
    command -v nginx >/dev/null || wl_fail "nginx is not installed here. Fix: sudo apt-get install -y nginx${WL_SET_SITE_URL:+, or leave the address of the site empty: then the app is stopped for each deploy}."
    folder=${wl_upstream%/*}
    if [ "$(id -u)" -ne 0 ]; then
        wl_nginx_reload
        line=$(wl_sudoers)
        command -v sudo >/dev/null || wl_fail "The server lacks sudo, by which nginx is tested and reloaded. Fix: apt-get install sudo (as root), then put this line into /etc/sudoers.d/windlass: $line"
        if [ -z "$wl_reload" ] || ! sudo -n -l "$wl_nginx" -t >/dev/null 2>&1; then
            wl_fail "sudo does not let $(id -un) test and reload nginx. Fix: put this line into /etc/sudoers.d/windlass: $line"
        fi
    fi
    if [ ! -d "$folder" ] || [ ! -w "$folder" ]; then
        wl_fail "$(id -un) cannot write $wl_upstream. Fix: sudo install -d -o $(id -un) $folder"
    fi
    if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
        wl_fail "$wl_upstream is not of this environment, and what others wrote is not changed. Fix: choose another file in the settings, or remove it if nothing needs it (nginx goes on with what it has read)."
    fi
    wl_is_included || wl_fail "nginx does not take in $wl_upstream. Fix: echo 'include $folder/*.conf;' | sudo tee /etc/nginx/conf.d/windlass.conf"
    [ ! -r /proc/1/comm ] || grep -qsx nginx /proc/[0-9]*/comm || wl_fail "nginx does not run here. Fix: sudo systemctl start nginx"
    # Before the first deploy the site may name an upstream that is not there yet.
    if ! wl_nginx_test && ! grep -qF "host not found in upstream \"$WL_SET_UPSTREAM\"" "$wl_state/said-$WL_JOB"; then
        cat "$wl_state/said-$WL_JOB"
        wl_fail "nginx' configuration has a mistake already, before this deploy: $(wl_nginx_said). Fix: mend it until sudo nginx -t is content."
    fi
    rm -f -- "$wl_state/said-$WL_JOB"
}

wl_shows_maintenance() { # the site is asked until it answers with our page, or ten seconds are over; sets wl_code
    wl_url=$WL_SET_SITE_URL
    wl_site=${wl_url#*://}
    wl_site=${wl_site%%/*}
    case $wl_site in
    *:*) wl_site_port=${wl_site##*:} ;;
    *) case $wl_url in https:*) wl_site_port=443 ;; *) wl_site_port=80 ;; esac ;;
    esac
    wl_until=$(($(date +%s) + 10))
    while :; do
        wl_said_site=$(curl -sk -o /dev/null -m 10 --noproxy '*' --resolve "${wl_site%%:*}:$wl_site_port:127.0.0.1" -H 'Connection: close' -D - -w 'code=%{http_code}' "$wl_url" 2>/dev/null)
        wl_code=${wl_said_site##*code=}
        case $wl_code/$wl_said_site in 503/*[Xx]-[Ww]indlass-[Mm]aintenance:\ "$wl_environment"*) return 0 ;; esac
        [ "$(date +%s)" -lt "$wl_until" ] || return 1
        wl_pause
    done
}

# --- connections ---------------------------------------------------------------------------------------------------------------
wl_peers() { # port, another or nothing: "port peer" of each connection to or from them on this machine, also of those that have just ended
    awk -v one="$1" -v two="${2:-0}" 'BEGIN { hex[sprintf("%04X", one)] = one; if (two) hex[sprintf("%04X", two)] = two }
        FNR > 1 && $4 != "0A" {
            here = substr($2, length($2) - 3)
            there = substr($3, length($3) - 3)
            if (there in hex) print hex[there], here
            else if (here in hex) print hex[here], there
        }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

wl_open() { # port: how many connections to it are open
    awk -v port="$1" 'BEGIN { hex = sprintf("%04X", port) }
        FNR > 1 && $4 == "01" && substr($3, length($3) - 3) == hex { open++ } END { print open + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

wl_came() { # file with peers before, port, another or nothing: how many connections have come since to each; the file then has those of now
    wl_peers "$2" "${3:-}" >"$1.now" || wl_write_failed "$wl_state" "Looking at connections"
    awk -v file="$1" -v one="$2" -v two="${3:-0}" '
        BEGIN { while ((getline line <file) > 0) seen[line] = 1 }
        !($0 in seen) { seen[$0] = 1; came[$1]++ }
        END { print came[one] + 0, came[two] + 0 }' "$1.now"
    mv -fT -- "$1.now" "$1"
}

# The site is asked through nginx until three answers in a row were the container's own doing: with each, connections came to its port, and none to the old one's.
wl_arrives() { # port, the old one's port or nothing
    wl_url=$WL_SET_SITE_URL
    wl_site=${wl_url#*://}
    wl_site=${wl_site%%/*}
    wl_site_port=${wl_site##*:}
    case $wl_site in
    *:*) ;;
    *) case $wl_url in https:*) wl_site_port=443 ;; *) wl_site_port=80 ;; esac ;;
    esac
    wl_until=${WL_SET_HEALTH_DEADLINE_S:-15}
    [ "$wl_until" -le 15 ] || wl_until=15
    wl_until=$(($(date +%s) + wl_until))
    wl_in_a_row=0
    wl_code=
    # Each look is a reading of the whole table, which on a busy server is long: the one behind an answer is also the one before the next.
    wl_peers "$1" "$2" >"$wl_state/peers-$WL_JOB" || wl_write_failed "$wl_state" "Looking at connections"
    while :; do
        wl_code=$(curl -sk -o /dev/null -m 10 --noproxy '*' --resolve "${wl_site%%:*}:$wl_site_port:127.0.0.1" -H 'Connection: close' -w '%{http_code}' "$wl_url" 2>/dev/null)
        wl_new=$(wl_came "$wl_state/peers-$WL_JOB" "$1" "$2")
        wl_old=${wl_new#* }
        wl_new=${wl_new% *}
        case $wl_code in
        000 | 502 | 503 | 504 | '') wl_in_a_row=0 ;;
        *) if [ "$wl_new" -gt 0 ] && [ "$wl_old" -eq 0 ]; then wl_in_a_row=$((wl_in_a_row + 1)); else wl_in_a_row=0; fi ;;
        esac
        [ "$wl_in_a_row" -lt 3 ] || break
        [ "$(date +%s)" -lt "$wl_until" ] || break
        [ "$wl_in_a_row" -gt 0 ] || wl_pause
    done
    rm -f -- "$wl_state/peers-$WL_JOB"
    [ "$wl_in_a_row" -ge 3 ]
}

wl_arrives_not() { # port: why, as a cause with its fix
    case $wl_code in
    000 | '') wl_fail "nginx does not answer at $WL_SET_SITE_URL on this server. Fix: check the address of the site in the settings, and that nginx listens there." ;;
    502 | 503 | 504) wl_fail "nginx answers $wl_code at $WL_SET_SITE_URL after the switch to port $1. Fix: see /var/log/nginx/error.log." ;;
    3??) wl_fail "nginx answers $wl_code at $WL_SET_SITE_URL by itself, so it is not proven that requests arrive at the new container. Fix: give the address that it leads to in the settings (https instead of http)." ;;
    esac
    wl_fail "$WL_SET_SITE_URL answers $wl_code, but the request does not arrive at the new container on port $1. Fix: the site's configuration must say proxy_pass http://$WL_SET_UPSTREAM; and its address in the settings must be one that the app answers."
}

# Nothing new comes to it any more; what it has begun may end, for as long as the drain lasts.
wl_drain() { # port, until when (seconds since the epoch)
    wl_quiet=0
    wl_told=
    wl_peers "$1" >"$wl_state/peers-$WL_JOB"
    while :; do
        wl_left=$(wl_open "$1")
        if [ "$wl_left" -eq 0 ]; then wl_quiet=$((wl_quiet + 1)); else wl_quiet=0; fi
        if [ "$wl_left" -gt 0 ] && [ -z "$wl_told" ]; then
            wl_note "Port $1 still has $wl_left connections; they have $(($2 - $(date +%s))) s more."
            wl_told=yes
        fi
        if [ "$wl_quiet" -ge 2 ] || [ "$(date +%s)" -ge "$2" ]; then break; fi
        wl_pause
    done
    wl_late=$(wl_came "$wl_state/peers-$WL_JOB" "$1")
    wl_late=${wl_late% *}
    rm -f -- "$wl_state/peers-$WL_JOB"
    [ "$wl_late" -eq 0 ] || wl_note "$wl_late new connections came to port $1 while it drained: something beside $WL_SET_NGINX_FILE still sends requests there."
    if [ "$wl_left" -eq 0 ]; then
        wl_note "Port $1 is drained: no connection is open."
    else
        wl_note "At the end of the drain $wl_left connections are still open on port $1 (websockets, or long downloads): they end with the container. More seconds to drain can be given in the settings."
    fi
    wl_result open_at_limit "$wl_left"
}

# --- load balancer ---------------------------------------------------------------------------------------------------------------
wl_lb_now() { # "place up" or "place down" for each line of the upstream's file
    wl_is_our_upstream || return 0
    awk '$1 == "server" { sub(/;.*/, ""); print $2, ($3 == "down" ? "down" : "up") }' "$wl_upstream"
}

# The file is put there in one instant, tested and read by nginx; what nginx refuses is put back as it was.
wl_lb_put() { # file of such lines
    if [ -e "$wl_upstream" ] && ! wl_is_our_upstream; then
        wl_fail "$wl_upstream is not of this environment, and what others wrote is not changed. Fix: see who wrote it; choose another file in the settings."
    fi
    wl_lines=$(awk '{ printf "%sserver %s%s;", (NR > 1 ? "\n    " : ""), $1, ($2 == "down" ? " down" : "") }' "$1")
    wl_upstream_text "$wl_lines" >"$wl_state/upstream-$WL_JOB" || wl_write_failed "$wl_state" "Writing the upstream"
    rm -f -- "$wl_state/upstream-was-$WL_JOB"
    if [ -e "$wl_upstream" ]; then cp -- "$wl_upstream" "$wl_state/upstream-was-$WL_JOB" || wl_write_failed "$wl_state" "Keeping the upstream"; fi
    wl_check_lock
    wl_put_upstream "$wl_state/upstream-$WL_JOB"
    if ! wl_nginx_test; then
        cat "$wl_state/said-$WL_JOB"
        wl_why=$(wl_nginx_said)
        if [ -e "$wl_state/upstream-was-$WL_JOB" ]; then wl_put_upstream "$wl_state/upstream-was-$WL_JOB"; else rm -f -- "$wl_upstream"; fi
        wl_fail "nginx -t refuses the new configuration: $wl_why. $wl_upstream is as it was, and nginx was not reloaded. Fix: mend what it names."
    fi
    wl_reload_nginx
    rm -f -- "$wl_state/upstream-$WL_JOB" "$wl_state/upstream-was-$WL_JOB" "$wl_state/said-$WL_JOB"
}

wl_lb_set() { # up or down: this step's server
    wl_lb_now | awk -v place="$WL_LB_SERVER" -v state="$1" '{ print $1, ($1 == place ? state : $2) }' >"$wl_state/servers-$WL_JOB" || wl_write_failed "$wl_state" "Writing the servers"
    grep -qFx "$WL_LB_SERVER $1" "$wl_state/servers-$WL_JOB" ||
        wl_fail "$WL_LB_SERVER does not stand in $wl_upstream any more. Fix: see who changed it, then deploy again."
    wl_lb_put "$wl_state/servers-$WL_JOB"
    rm -f -- "$wl_state/servers-$WL_JOB"
}

wl_lb_open() { # connections from here to this step's server that are open
    wl_port=${WL_LB_SERVER##*:}
    wl_address=$(getent ahostsv4 "${WL_LB_SERVER%:*}" 2>/dev/null | awk '{ print $1; exit }')
    case ${wl_address:-${WL_LB_SERVER%:*}} in
    *[!0-9.]* | '') wl_open "$wl_port" ;; # by its port alone: rather too many than too few
    *) awk -v address="${wl_address:-${WL_LB_SERVER%:*}}" -v port="$wl_port" '
        BEGIN { split(address, part, "."); want = sprintf("%02X%02X%02X%02X:%04X", part[4], part[3], part[2], part[1], port) }
        $4 == "01" && $3 == want { open++ } END { print open + 0 }' /proc/net/tcp ;;
    esac
}
