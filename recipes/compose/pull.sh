# pull.sh - logs in, pulls each service's image, notes what it is by content, and pins it: docker-compose.override.yml of the release names each image by its digest.
# The login lives in the job's folder and ends with this step. WL_PINS, where it names a service, counts instead of the file's tag, whatever that has become since: on a
# second server it holds the digests of the first, in a rollback those that the earlier release ran. What is on the server by that digest is not pulled again.
# Results: image_<n> = service, image as the file names it, digest or local id.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
[ -s "$wl_release/services" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
said=$wl_state/said-$WL_JOB
login=$WL_JOB_DIR/docker

log_out() {
    rm -rf -- "$login" "$said"
}
trap log_out EXIT

# --- registries ----------------------------------------------------------------------------------------------------------------
registry_failed() { # host, login
    cat "$said"
    text=$(cat "$said")
    case $text in
    *unauthorized* | *'incorrect username or password'* | *denied* | *401*)
        wl_fail "The registry $1 refuses the login of $2: wrong name or password. Fix: enter the password again on the page of registries; a token may have expired."
        ;;
    *'no space left'*) wl_write_failed "$WL_JOB_DIR" "Logging in at $1" ;;
    esac
    wl_fail "The registry $1 does not answer: $(wl_last_line "$said"). Fix: see whether the server reaches it: curl -sS https://$1/v2/"
}

if [ -n "${WL_REGISTRIES:-}" ]; then
    rm -rf -- "$login"
    mkdir -p -- "$login" || wl_write_failed "$WL_JOB_DIR" "Making a folder for the login"
    [ ! -d "$HOME/.docker/cli-plugins" ] || ln -s -- "$HOME/.docker/cli-plugins" "$login/cli-plugins"
    DOCKER_CONFIG=$login
    export DOCKER_CONFIG
    n=0
    while [ "$n" -lt "$WL_REGISTRIES" ]; do
        n=$((n + 1))
        eval "host=\$WL_REGISTRY_${n}_HOST name=\$WL_REGISTRY_${n}_LOGIN password=\$WL_REGISTRY_${n}_PASSWORD"
        at=$host
        [ "$host" != docker.io ] || at=https://index.docker.io/v1/
        printf '%s' "$password" | wl_bounded 90 docker login --username "$name" --password-stdin "$at" >"$said" 2>&1 || registry_failed "$host" "$name"
        password=
        wl_note "Logged in at $host as $name, for this step."
    done
fi

# --- images ----------------------------------------------------------------------------------------------------------------------
pull_failed() { # image
    text=$(cat "$said")
    host=${1%%/*}
    case $host in *.* | *:*) ;; *) host=docker.io ;; esac
    case $text in
    *'no space left on device'*) wl_docker_disk_full "Pulling $1" ;;
    *'manifest unknown'* | *'not found'* | *'does not exist'*'repository'*)
        wl_fail "The image $1 is not in the registry. Fix: push it, or deploy a tag that is there." ;;
    *'no matching manifest'*) wl_fail "The image $1 is not built for this server ($(uname -m)). Fix: build it for this platform." ;;
    *toomanyrequests*) wl_fail "The registry $host counts too many pulls from this server. Fix: choose a registry with a login in the environment's settings, or wait." ;;
    *unauthorized* | *denied* | *'authentication required'* | *'no basic auth'*)
        wl_fail "The registry $host does not let this server pull $1. Fix: choose the registry and its password in the environment's settings, and see that its account may read this image." ;;
    *'no such host'* | *'connection refused'* | *timeout* | *'TLS handshake'* | *'no route to host'* | *'network is unreachable'* | *'deadline exceeded'* | *'gave HTTP response'* | *EOF*)
        wl_fail "The registry $host does not answer while $1 is pulled: $(wl_last_line "$said"). Fix: see whether the server reaches it: curl -sS https://$host/v2/" ;;
    esac
    wl_fail "Pulling $1 failed: $(wl_last_line "$said"). Fix: see the lines above; try it on the server: docker pull $1"
}

pull() { # reference, platform ("-": any)
    [ "$2" != - ] || set -- "$1" ""
    wl_note "\$ docker pull ${2:+--platform $2 }$1"
    : >"$said"
    # The status of the first stage counts; tee shows the lines as they come.
    { docker pull ${2:+--platform "$2"} "$1" 2>&1 || echo failed >"$said.status"; } | tee "$said"
    if [ -e "$said.status" ]; then
        rm -f -- "$said.status"
        pull_failed "$1"
    fi
}

pinned() { # service: the digest that it must run
    printf '%s\n' "${WL_PINS:-}" | awk -F"$tab" -v service="$1" '$1 == service { print $2; exit }'
}

digest_of() { # reference: the name with the digest that belongs to this very repository, or nothing
    repository=${1%%@*}
    case ${repository##*/} in *:*) repository=${repository%:*} ;; esac
    repository=${repository#docker.io/}
    repository=${repository#library/}
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
        awk -v repository="$repository" '{ name = $0; sub(/@.*/, "", name); if (name == repository) { print; exit } }'
}

pins=$wl_release/docker-compose.override.yml
label=$(cat "$wl_release/files_label" 2>/dev/null)
{
    echo "# Written by Windlass: the images of release v$WL_RELEASE by their content, so that what runs is what was pulled."
    [ -z "$label" ] || echo "# The label makes Compose start the services anew when secret files have changed."
    grep -m 1 '^version:' "$wl_release/docker-compose.yml" || : # Compose v1 wants both files to be of one version
    echo services:
} >"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
: >"$wl_release/images" || wl_write_failed "$wl_state" "Writing the images"

n=0
while IFS=$tab read -r service image platform count; do
    want=$(pinned "$service")
    reference=${want:-$image}
    [ -n "$reference" ] || wl_fail "The service $service has no image. Fix: name one in the Compose file."
    if { [ -n "$want" ] || [ "${WL_SET_PULL:-always}" = missing ]; } && docker image inspect "$reference" >/dev/null 2>&1; then
        wl_note "$reference is on the server already."
    else
        case $reference in
        sha256:*) wl_fail "The image $image of service $service never was in a registry, and this server does not have the one that is wanted ($reference). Fix: push it to a registry, then deploy it from there." ;;
        esac
        pull "$reference" "$platform"
    fi
    id=$(docker image inspect --format '{{.Id}}' "$reference" 2>"$said") || wl_fail "The image $reference is not on the server although it was pulled: $(wl_last_line "$said"). Fix: deploy again."
    digest=$want
    [ -n "$digest" ] || digest=$(digest_of "$reference")
    [ -n "$digest" ] || digest=$id # never pushed: known on this server only
    printf '  %s:\n    image: "%s"\n' "$service" "$digest" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    [ -z "$label" ] || printf '    labels:\n      windlass.files: "%s"\n' "$label" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    printf '%s\t%s\t%s\t%s\t%s\n' "$service" "$image" "$digest" "$id" "$count" >>"$wl_release/images" || wl_write_failed "$wl_state" "Writing the images"
    n=$((n + 1))
    [ "$n" -gt 40 ] || wl_result "image_$n" "$service$tab$image$tab$digest"
    wl_note "$service runs $digest"
done <"$wl_release/services"
{ cp -p -- "$pins.part" "$wl_release/place/docker-compose.override.yml" && mv -T -- "$pins.part" "$pins"; } || wl_write_failed "$wl_state" "Writing the images"
sync -f "$pins" 2>/dev/null || sync
