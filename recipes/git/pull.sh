# pull.sh - builds the services that have a build section from the checkout, pulls the others, notes what each image is by content, and pins it. What was built gets a name of ours as well,
# so that nobody who tidies up untagged images takes it away. In a rollback the images of the earlier release are run, where they still are; else they are built anew from its commit.
# Results: image_<n> = service, image as the file names it, digest or local id.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
[ -s "$wl_release/services" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
trap wl_log_out EXIT
wl_log_in

# --- what the build is told ------------------------------------------------------------------------------------------------------
arguments=$wl_state/arguments-$WL_JOB
wl_words "${WL_SET_BUILD_ARGS:-}" >"$arguments" || wl_write_failed "$wl_state" "Writing the build arguments"
while IFS= read -r word; do
    name=${word%%=*}
    case $name in
    '' | [0-9]* | *[!A-Za-z0-9_]*) wl_fail "A build argument has no name: $word. Fix: write NAME=value, or NAME for the value of a variable, in the environment's settings." ;;
    esac
    case $word in *=*) continue ;; esac
    grep -q "^$name=" "$wl_release/.env" || wl_fail "The build argument $name has no value: there is no variable of this name. Fix: write $name=value, or add the variable."
    wl_note "WARNING: the variable $name goes into the build: whoever has the image can read it there (docker history)."
done <"$arguments"

build_failed() { # service
    text=$(cat "$wl_said")
    case $text in
    *'no space left on device'*) wl_docker_disk_full "Building $1" ;;
    *'signal: killed'* | *'exit code: 137'* | *'returned a non-zero code: 137'* | *'Killed'* | *'cannot allocate memory'*)
        wl_fail "The build of $1 was killed, most likely for want of memory. Nothing that serves was changed. Fix: add memory or swap, or build the image elsewhere and deploy it with the recipe compose."
        ;;
    esac
    wl_fail "The build of $1 failed: $(grep -v -e '^Service .* failed to build' -e '^ERROR: Service' -e '^-*$' "$wl_said" | tail -n 3 | cut -c1-160 | tr '\n' ' ')Nothing that serves was changed. Fix: see the lines above; push a commit that builds."
}

build() { # service, image as the file names it: sets wl_image_id and wl_image_digest, which is the same
    set -- "$1" "$2" build
    while IFS= read -r word; do
        set -- "$@" --build-arg "$word"
    done <"$arguments"
    wl_note "\$ docker compose build $1"
    : >"$wl_said"
    service_name=$1
    named=$2
    shift 2
    { wl_compose "$wl_tree_home" "" "$@" "$service_name" 2>&1 || echo failed >"$wl_said.status"; } | tee "$wl_said"
    if [ -e "$wl_said.status" ]; then
        rm -f -- "$wl_said.status"
        build_failed "$service_name"
    fi
    if [ -z "$named" ]; then
        case $wl_compose_kind in v1) named=${wl_project}_$service_name ;; *) named=$wl_project-$service_name ;; esac
    fi
    wl_image_id=$(docker image inspect --format '{{.Id}}' "$named" 2>"$wl_said") ||
        wl_fail "The image $named is not on the server although it was built: $(wl_last_line "$wl_said"). Fix: deploy again."
    wl_image_digest=$wl_image_id
}

pins=$wl_release/docker-compose.override.yml
label=$(cat "$wl_release/files_label" 2>/dev/null)
{
    echo "# Written by Windlass: the images of release v$WL_RELEASE by their content, so that what runs is what was built and pulled."
    grep -m 1 '^version:' "$wl_tree_home/$wl_compose_file" || : # Compose v1 wants both files to be of one version
    echo services:
} >"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
: >"$wl_release/images" || wl_write_failed "$wl_state" "Writing the images"

n=0
while IFS=$tab read -r service image platform count <&4; do
    [ "$image" != - ] || image=
    if grep -qFx -e "$service" "$wl_release/built"; then
        want=$(wl_pinned "$service")
        if [ -n "$want" ] && wl_image_id=$(docker image inspect --format '{{.Id}}' "$want" 2>/dev/null); then
            wl_image_digest=$wl_image_id
            wl_note "The image of $service, $want, is on the server already."
        else
            [ -z "$want" ] || wl_note "The image of $service that ran then is not on this server: it is built anew from the same commit."
            build "$service" "$image"
        fi
        kept=windlass/$(printf '%s-%s' "$wl_project" "$service" | tr '[:upper:]' '[:lower:]' | tr -s '._' '-'):v$WL_RELEASE
        docker image tag "$wl_image_id" "$kept" || wl_fail "The image of $service cannot be named $kept. Fix: see the line above."
        printf '%s\n' "$kept" >>"$wl_release/kept_names" || wl_write_failed "$wl_state" "Writing the images"
        image=${image:-$kept}
    else
        [ -n "$image" ] || wl_fail "The service $service has neither an image nor a build section. Fix: mend the Compose file in the repository."
        wl_pull_image "$service" "$image" "$platform"
    fi
    printf '  %s:\n    image: "%s"\n' "$service" "$wl_image_digest" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    [ -z "$label" ] || printf '    labels:\n      windlass.files: "%s"\n' "$label" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    printf '%s\t%s\t%s\t%s\t%s\n' "$service" "$image" "$wl_image_digest" "$wl_image_id" "$count" >>"$wl_release/images" || wl_write_failed "$wl_state" "Writing the images"
    n=$((n + 1))
    [ "$n" -gt 40 ] || wl_result "image_$n" "$service$tab$image$tab$wl_image_digest"
    wl_note "$service runs $wl_image_digest"
done 4<"$wl_release/services"
rm -f -- "$arguments"
mv -T -- "$pins.part" "$pins" || wl_write_failed "$wl_state" "Writing the images"
sync -f "$pins" 2>/dev/null || sync
