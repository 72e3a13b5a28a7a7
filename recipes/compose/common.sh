# common.sh - what the steps of this recipe share; it stands behind lib.sh and in front of each of them.
#
# In the project folder: docker-compose.yml and .env as deployed, and docker-compose.override.yml, which names each service's image by its content, so that whoever
# runs `docker compose` there by hand gets the very containers that Windlass proved. In .windlass: releases/<id>/ with the files of each release, `live`
# (the id of the one in place), `expected` (what settle.sh must see), before-<job>/ (what was there when the job began), view-<job>/ (the project folder as the new
# release will find it, for commands before the switch), needed-<job> (services that were started for such a command).
# Docker Compose v2 is `docker compose` or a program docker-compose of version 2; v1 is docker-compose 1.29. Both read the same files here.
# shellcheck shell=sh disable=SC2154,SC2034
wl_project_places() {
    wl_places
    wl_release=$wl_state/releases/$WL_RELEASE_ID
    wl_before=$wl_state/before-$WL_JOB
    wl_project=$WL_SET_PROJECT
    wl_home=$wl_root                           # where Compose runs
    wl_pins=$wl_root/docker-compose.override.yml # the images by content, of what is live
    wl_compose_file=docker-compose.yml
    ! command -v wl_source_places >/dev/null || wl_source_places # a recipe that is like this one, with a repository
}

wl_say() { # text, file in .windlass: there in one instant
    { printf '%s\n' "$1" >"$wl_state/$2.next" && mv -fT -- "$wl_state/$2.next" "$wl_state/$2"; } || wl_write_failed "$wl_state" "Writing $2"
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

wl_compose() { # folder, override file ("" for none), arguments: docker compose on that folder's file, with nothing of this shell's environment
    wl_folder=$1
    wl_override=$2
    shift 2
    set -- -p "$wl_project" --ansi never --project-directory "$wl_folder" --env-file "$wl_folder/.env" \
        -f "$wl_folder/$wl_compose_file" ${wl_override:+-f "$wl_override"} "$@"
    wl_run_compose "$@"
}

wl_run_compose() {
    case $wl_compose_kind in
    plugin) set -- docker compose "$@" ;;
    *) set -- docker-compose "$@" ;;
    esac
    (cd -- "${wl_folder:-/}" && exec env -i HOME="$HOME" PATH="$PATH" LC_ALL=C.UTF-8 NO_COLOR=1 COMPOSE_MENU=0 \
        ${wl_builder:+DOCKER_BUILDKIT="$wl_builder" COMPOSE_DOCKER_CLI_BUILD="$wl_builder"} \
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

# The containers as they are: with nothing of ours in the folder this is all there is to go back to. Those that were started for a command before the switch are of
# this release, not of one before.
wl_note_containers() { # folder where it is written, folder from which this release's own were started
    wl_ids=$(docker ps -a --no-trunc --filter "label=com.docker.compose.project=$wl_project" --filter label=com.docker.compose.oneoff=False \
        --format '{{.ID}} {{.Label "com.docker.compose.project.working_dir"}}') || wl_engine_failed "The containers cannot be listed."
    wl_ids=$(printf '%s\n' "$wl_ids" | awk -v ours=" $2" 'NF && index($0, ours) == 0 { print $1 }')
    : >"$1/containers" || wl_write_failed "$wl_state" "Writing down what serves"
    [ -n "$wl_ids" ] || return 0
    wl_inspect "$wl_ids" >"$1/containers" || wl_engine_failed "The containers cannot be listed."
    wl_id=$(printf '%s\n' "$wl_ids" | head -n 1)
    wl_folder=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' "$wl_id" 2>/dev/null)
    docker inspect --format '{{index .Config.Labels "com.docker.compose.project.config_files"}}' "$wl_id" 2>/dev/null | tr ',' '\n' |
        awk -v folder="$wl_folder" 'NF { print (/^\// ? $0 : folder "/" $0) }' >"$1/config_files" || wl_write_failed "$wl_state" "Writing down what serves"
}

# Containers that were started by hand, again: from the files that they name, with the images they ran, by content.
wl_up_by_hand() {
    wl_by_hand=$wl_before/pins.yml
    wl_first=$(head -n 1 "$wl_before/config_files" 2>/dev/null)
    [ -f "$wl_first" ] || wl_fail "The Compose file from which the old containers were started is gone: ${wl_first:-unknown}. Fix: start them by hand, or deploy a release that works."
    {
        grep -m 1 '^version:' "$wl_first" || :
        echo services:
        awk -F'|' '!seen[$1]++ { printf "  %s:\n    image: \"%s\"\n", $1, $9 }' "$wl_before/containers"
    } >"$wl_by_hand" || wl_write_failed "$wl_state" "Writing the old images"
    awk -F'|' -v OFS="$tab" '{ image[$1] = $9; named[$1] = $11; count[$1]++ } END { for (s in image) print s, image[s], count[s], named[s] }' "$wl_before/containers" >"$wl_state/expected" ||
        wl_write_failed "$wl_state" "Writing what is expected"
    set -- -p "$wl_project" --ansi never --project-directory "$wl_root"
    [ ! -f "$wl_root/.env" ] || set -- "$@" --env-file "$wl_root/.env"
    while read -r wl_file; do
        [ ! -f "$wl_file" ] || set -- "$@" -f "$wl_file"
    done <"$wl_before/config_files"
    wl_folder=$wl_root
    # shellcheck disable=SC2046 # no flag, or two words
    wl_run_compose "$@" -f "$wl_by_hand" up -d --remove-orphans --no-build $(wl_up_flags) 2>&1 || wl_fail "The old containers cannot be started again. Fix: see the lines above; start them by hand in $wl_root."
    wl_note "The containers that were started by hand are back, with the images they ran."
}

# --- old releases ----------------------------------------------------------------------------------------------------------------
wl_has_images() { # id: every image that this release ran is here
    [ -s "$wl_state/releases/$1/images" ] || return 1
    while IFS=$tab read -r service image digest id count; do
        [ "$(docker image inspect --format '{{.Id}}' "$digest" 2>/dev/null)" = "$id" ] || return 1
    done <"$wl_state/releases/$1/images"
}

# Those that go, by number: never the present one, the one that was in place before and the last one that was proven (WL_GOOD). What was tried since that one was not
# proven: it does not count among the releases to keep, and goes. Sets wl_previous, wl_old, wl_kept (how many), wl_whole (ids whose images are all here).
wl_choose_old() { # file for the list, file for the images of those that are kept
    wl_previous=$(cat "$wl_before/.windlass/live" 2>/dev/null || cat "$wl_state/previous" 2>/dev/null || :)
    { : >"$1" && : >"$2"; } || wl_write_failed "$wl_state" "Listing the releases"
    wl_list_releases "$1"
    wl_kept=0
    wl_old=
    wl_whole=
    # The number of the last one that was proven; those above it, but for this one, never were.
    wl_proven=$(awk -v good="${WL_GOOD:-none}" -v previous="$wl_previous" '$2 == good { g = $1 } $2 == previous { p = $1 } END { print (g != "" ? g : p) }' "$1")
    while read -r wl_number wl_name; do
        [ -n "$wl_name" ] || continue
        if [ "$wl_name" = "$WL_RELEASE_ID" ] || [ "$wl_name" = "$wl_previous" ] || [ "$wl_name" = "${WL_GOOD:-}" ] ||
            { [ "$wl_kept" -lt "${WL_SET_KEEP:-5}" ] && [ "$wl_number" -lt "${wl_proven:-$WL_RELEASE}" ]; }; then
            wl_kept=$((wl_kept + 1))
            ! wl_has_images "$wl_name" || wl_whole="$wl_whole $wl_name"
            cut -f2-4 "$wl_state/releases/$wl_name/images" 2>/dev/null | tr '\t' '\n' >>"$2"
        else
            wl_old="$wl_old $wl_name"
        fi
    done <<LIST
$(sort -rn "$1")
LIST
}

wl_remove_old() { # id, file of wl_choose_old: the images and files of one release
    while IFS=$tab read -r service image digest id count; do
        wl_remove_image "$image" "$digest" "$id" "$2"
    done <"$wl_state/releases/$1/images" 2>/dev/null || :
    wl_note "Removing the files of an old release ($1)"
    rm -rf -- "${wl_state:?}/releases/$1" || wl_fail "releases/$1 cannot be removed. Fix: check who owns its files."
}

wl_end_prune() { # how many went: what was kept for going back goes too, since the new release is proven by now
    [ -z "$wl_previous" ] || printf '%s\n' "$wl_previous" >"$wl_state/previous"
    for wl_left in "$wl_state"/before-* "$wl_state"/since-* "$wl_state"/said-* "$wl_state"/now-* "$wl_state"/check-* "$wl_state"/config-* "$wl_state"/engine-* "$wl_state"/needed-* "$wl_state"/view-*; do
        rm -rf -- "$wl_left"
    done
    wl_forget_hooks --filter "label=com.docker.compose.project=$wl_project"
    wl_result kept "$wl_kept"
    wl_result removed "$1"
    wl_result_kept "$wl_whole"
    wl_note "$wl_kept releases are kept, $1 removed."
}

# --- the project folder as it will be after the switch -------------------------------------------------------------------------
# A folder in which everything of the project folder can be seen, with the release's files in their places: Compose reads there what it will read later.
wl_link_all() { # folder, where to
    for wl_entry in "$1"/* "$1"/.[!.]*; do
        [ ! -e "$wl_entry" ] || ln -s -- "$wl_entry" "$2/${wl_entry##*/}" || wl_write_failed "$wl_state" "Showing Compose the new files"
    done
}

wl_show_file() { # folder, the release's, path of a secret file: folders on the way become real ones, with links to what is in them
    wl_at=
    wl_rest=$3
    while [ "$wl_rest" != "${wl_rest#*/}" ]; do
        wl_at=$wl_at/${wl_rest%%/*}
        wl_rest=${wl_rest#*/}
        [ -d "$1$wl_at" ] && [ ! -L "$1$wl_at" ] && continue
        rm -f -- "$1$wl_at"
        mkdir -- "$1$wl_at" || wl_write_failed "$wl_state" "Showing Compose the new files"
        wl_link_all "$wl_root$wl_at" "$1$wl_at"
    done
    { rm -f -- "$1/$3" && ln -s -- "$2/files/$3" "$1/$3"; } || wl_write_failed "$wl_state" "Showing Compose the new files"
}

wl_view() { # folder to be made, folder of the release's files
    rm -rf -- "$1"
    mkdir -- "$1" || wl_write_failed "$wl_state" "Making a folder for Compose"
    wl_link_all "$wl_root" "$1"
    for wl_entry in docker-compose.yml docker-compose.override.yml .env .windlass; do
        rm -f -- "$1/$wl_entry"
        case $wl_entry in .windlass) continue ;; esac
        [ ! -f "$2/$wl_entry" ] || cp -p -- "$2/$wl_entry" "$1/" || wl_write_failed "$wl_state" "Showing Compose the new files"
    done
    while read -r wl_number wl_mode wl_path; do
        wl_show_file "$1" "$2" "$wl_path"
    done <"$2/files.list"
}

# --- commands before and after the switch ----------------------------------------------------------------------------------------
wl_one_off() { # service, words: its status. The containers of the project are left alone
    wl_of=$1
    shift
    wl_compose "$wl_hook_folder" "$wl_hook_pins" run --rm --no-deps -T --label "windlass.hook=$wl_hook_name" --label "windlass.job=$WL_JOB" "$wl_of" "$@" 2>&1
}

wl_hook_before() { # name, setting, what is so when it fails: in the new release, while the old one serves
    wl_hook_is_free --filter "label=com.docker.compose.project=$wl_project"
    wl_hook_folder=${wl_tree_home:-$wl_state/view-$WL_JOB}
    wl_hook_pins=$wl_release/docker-compose.override.yml
    wl_went_well=
    trap wl_hook_ends EXIT
    if [ -z "${wl_tree_home:-}" ]; then
        while IFS= read -r wl_path; do # as the engine would; but these stay when the view goes
            [ -e "$wl_root/$wl_path" ] || [ -e "$wl_release/files/$wl_path" ] || mkdir -p -- "$wl_root/$wl_path" || wl_write_failed "$wl_root" "Making the mounted folder $wl_path"
        done <"$wl_release/binds"
        wl_view "$wl_hook_folder" "$wl_release"
    fi
    wl_start_needed "$2"
    wl_hook "$1" "$2" "$3"
    wl_went_well=yes
}

wl_hook_ends() { # what was started for it alone goes again when the release does not come
    if [ -z "$wl_went_well" ] && [ -s "$wl_state/needed-$WL_JOB" ]; then
        while IFS= read -r wl_service; do
            wl_note "Removing the container of $wl_service, which was started for the command; volumes stay."
            for wl_id in $(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$wl_project" --filter "label=com.docker.compose.service=$wl_service" --filter label=com.docker.compose.oneoff=False); do
                docker rm -f "$wl_id" >/dev/null 2>&1 || :
            done
        done <"$wl_state/needed-$WL_JOB"
        rm -f -- "$wl_state/needed-$WL_JOB"
    fi
    rm -rf -- "$wl_state/view-$WL_JOB"
}

# A first deploy has no database yet: what the command's service depends on and does not run is started. What runs is never made anew here, whatever the new file says.
wl_start_needed() { # lines "service: command"
    wl_missing=
    for wl_service in $(printf '%s\n' "$1" | sed -n 's/^\([^:]*\):.*/\1/p' | awk -v file="$wl_release/depends" '
        BEGIN { while ((getline line <file) > 0) { split(line, part, "\t"); needs[part[1]] = needs[part[1]] " " part[2] } }
        { todo[++n] = $0 }
        END {
            for (i = 1; i <= n; i++) {
                count = split(needs[todo[i]], one, " ")
                for (j = 1; j <= count; j++) if (!(one[j] in seen)) { seen[one[j]] = 1; todo[++n] = one[j]; print one[j] }
            }
        }'); do
        [ -n "$(docker ps -q --filter "label=com.docker.compose.project=$wl_project" --filter "label=com.docker.compose.service=$wl_service" --filter label=com.docker.compose.oneoff=False)" ] ||
            wl_missing="$wl_missing $wl_service"
    done
    [ -n "$wl_missing" ] || return 0
    # shellcheck disable=SC2086 # a list of names
    { printf '%s\n' $wl_missing >>"$wl_state/needed-$WL_JOB"; } || wl_write_failed "$wl_state" "Writing down what is started"
    wl_note "The command needs$wl_missing, which does not run yet."
    wl_said=$wl_state/said-$WL_JOB
    # shellcheck disable=SC2046,SC2086 # lists of words
    wl_compose "$wl_hook_folder" "$wl_hook_pins" up -d --no-deps --no-recreate --no-build $(wl_up_flags) $wl_missing >"$wl_said" 2>&1 || {
        cat "$wl_said"
        wl_up_failed
    }
    cat "$wl_said"
    wl_wait_for "$wl_missing"
}

wl_wait_for() { # services: healthy, or running for a moment where there is no health check, or ended well
    wl_until=$(($(date +%s) + ${WL_SET_HEALTH_DEADLINE_S:-120}))
    wl_looks=0
    while [ "$wl_looks" -lt 3 ]; do
        sleep 1
        wl_bad=$(wl_look | awk -F'|' -v want="$1 " '
            index(want, " " $1 " ") == 0 { next }
            { seen++ }
            $4 == "healthy" || ($3 == "exited" && $6 == 0) { sure++; next }
            $3 == "running" && $4 == "none" { next }
            worst == "" { worst = $1 "|" $14 "|" $3 ($4 == "none" ? ", exit code " $6 : ", health: " $4) }
            END { print (worst != "" ? worst : seen == 0 ? "?||not there" : seen == sure ? "sure" : "") }')
        case $wl_bad in
        sure) return 0 ;;
        '') wl_looks=$((wl_looks + 1)) ;;
        *) wl_looks=0 ;;
        esac
        if [ -n "$wl_bad" ] && [ "$(date +%s)" -ge "$wl_until" ]; then
            wl_service=${wl_bad%%|*}
            wl_id=${wl_bad#*|}
            [ -z "${wl_id%%|*}" ] || wl_show_logs "${wl_id%%|*}" "$wl_service"
            wl_fail "The service $wl_service, on which the command's service depends, does not become ready: ${wl_bad##*|}. Fix: see its last lines above."
        fi
    done
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

# --- what the Compose file says ---------------------------------------------------------------------------------------------------
wl_invalid() { # folder, what Compose said, in a file: the place is looked up in the file, since engines name a path or count lines in their own way
    cat "$2"
    wl_told=$(grep -v -i -e '^ *$' -e 'warning' -e 'is invalid because' "$2" | head -n 3 | tr '\n' ' ' | sed "s,$1/,,g; s,\./$wl_compose_file,$wl_compose_file,g" | cut -c1-300)
    # services.web Additional property imge ... / services.web.ports must be ... / services.web: 'imge'
    wl_path=$(printf '%s\n' "$wl_told" | sed -n "s/.*\(services\.[A-Za-z0-9_-]*\(\.[A-Za-z0-9_-][A-Za-z0-9_-]*\)*\).*/\1/p")
    [ -n "$wl_path" ] || wl_path=$(printf '%s\n' "$wl_told" | sed -n "s/.*[Ss]ervice [\"']\([A-Za-z0-9_-]*\)[\"'].*/services.\1/p")
    wl_extra=$(printf '%s\n' "$wl_told" | sed -n "s/.*Additional property \([A-Za-z0-9_-]*\) .*/\1/p; s/.*Unsupported config option for [^ ]*: '\([^']*\)'.*/\1/p" | head -n 1)
    wl_place=
    [ -z "$wl_extra" ] || wl_place=$(wl_yaml_place "$1/$wl_compose_file" "${wl_path:+$wl_path.}$wl_extra")
    [ -n "$wl_place" ] || [ -z "$wl_path" ] || wl_place=$(wl_yaml_place "$1/$wl_compose_file" "$wl_path")
    rm -rf -- "$wl_state/check-$WL_JOB"
    wl_fail "The Compose file is not valid${wl_place:+ ($wl_place)}: ${wl_told:-Compose gave no reason}. Fix: mend it $([ -n "${wl_tree_home:-}" ] && echo "in the repository" || echo "in the environment's settings")."
}

wl_has_service() { # label of the setting, its lines, folder with the list of services
    printf '%s\n' "$2" | sed -n 's/^\([^:]*\):.*/\1/p' | while IFS= read -r service; do
        cut -f1 "$3/services" | grep -qFx -e "$service" ||
            wl_fail "The $1 command is to run in the service $service, which the Compose file does not have, or does not run (it has a profile, or is scaled to none). Fix: name one of: $(cut -f1 "$3/services" | tr '\n' ' ')"
    done || exit 1
}
wl_read_services() { # folder in which Compose reads, where it is written: services, who needs whom, what is mounted
    wl_compose "$1" "" config >"$wl_state/config-$WL_JOB" 2>"$wl_state/said-$WL_JOB" || wl_invalid "$1" "$wl_state/said-$WL_JOB"
    [ ! -s "$wl_state/said-$WL_JOB" ] || cat "$wl_state/said-$WL_JOB"

    # service, image ("-": none), platform ("-": any), how many containers; from the file as Compose understood it. Services of a profile and those scaled to none do not run.
    awk -v tab="$tab" '
        function plain(text) { gsub(/^["'\'' ]+|["'\'' ]+$/, "", text); return text }
        function value(text) { sub(/^[^:]*:/, "", text); return plain(text) }
        /^services:/ { inside = 1; next }
        /^[a-z]/ { inside = 0 } # not any byte: a value with U+2028 in it goes on at the start of a line
        !inside { next }
        /^  [^ ]/ { name = $0; sub(/: *$/, "", name); name = plain(name); order[++n] = name; count[name] = 1; deploy = 0; next }
        /^    [^ -]/ { deploy = 0 }
        /^    image:/ { image[name] = value($0) }
        /^    platform:/ { platform[name] = value($0) }
        /^    profiles:/ { count[name] = 0 }
        /^    scale:/ { count[name] = value($0) + 0 }
        /^    deploy:/ { deploy = 1; next }
        deploy && /^      replicas:/ { count[name] = value($0) + 0 }
        END { for (i = 1; i <= n; i++) if (count[order[i]] > 0) print order[i] tab (image[order[i]] == "" ? "-" : image[order[i]]) tab (platform[order[i]] == "" ? "-" : platform[order[i]]) tab count[order[i]] }
    ' "$wl_state/config-$WL_JOB" | sort >"$2/services" || wl_write_failed "$wl_root" "Writing the list of services"
    # Those that are made from source.
    awk '
        /^services:/ { inside = 1; next }
        /^[a-z]/ { inside = 0 }
        !inside { next }
        /^  [^ ]/ { name = $0; gsub(/^["'\'' ]+|["'\'' :]+$/, "", name) }
        /^    build:/ { print name }' "$wl_state/config-$WL_JOB" >"$2/built" || wl_write_failed "$wl_root" "Writing the list of services"
    # For commands before the switch: who needs whom, and which folders of the project folder are mounted.
    awk -v tab="$tab" '
        function plain(text) { gsub(/^["'\'' ]+|["'\'' :]+$/, "", text); return text }
        /^services:/ { inside = 1; next }
        /^[a-z]/ { inside = 0 }
        !inside { next }
        /^  [^ ]/ { name = plain($0); on = 0; next }
        /^    depends_on:/ { on = 1; next }
        /^    [^ -]/ { on = 0 }
        on && /^    - / { print name tab plain(substr($0, 7)) }
        on && /^      [^ ]/ { print name tab plain($0) }
    ' "$wl_state/config-$WL_JOB" >"$2/depends" || wl_write_failed "$wl_root" "Writing the list of services"
    awk -v folder="$1/" '
        /^ *source: / || /^    - / {
            at = index($0, folder)
            if (at == 0) next
            path = substr($0, at + length(folder))
            sub(/[":'\''].*$/, "", path)
            if (path != "") print path
        }' "$wl_state/config-$WL_JOB" >"$2/binds" || wl_write_failed "$wl_root" "Writing the list of folders"
    rm -f -- "$wl_state/config-$WL_JOB" "$wl_state/said-$WL_JOB" # with every variable in it
    [ -s "$2/services" ] || wl_fail "The Compose file runs no service: all have a profile, or are scaled to none. Fix: mend it in the environment's settings."
    wl_has_service pre-deploy "${WL_SET_PRE_DEPLOY:-}" "$2"
    wl_has_service migrate "${WL_SET_MIGRATE:-}" "$2"
    wl_has_service post-deploy "${WL_SET_POST_DEPLOY:-}" "$2"
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
