# pull.sh - logs in, pulls each service's image, notes what it is by content, and pins it: docker-compose.override.yml of the release names each image by its digest.
# On a second server the digests of the first are pulled, in a rollback those of the earlier release, whatever a tag has become since.
# Results: image_<n> = service, image as the file names it, digest or local id.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
[ -s "$wl_release/services" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
trap wl_log_out EXIT
wl_log_in

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
    [ "$image" != - ] || wl_fail "The service $service has no image. Fix: name one in the Compose file."
    wl_pull_image "$service" "$image" "$platform"
    digest=$wl_image_digest
    id=$wl_image_id
    printf '  %s:\n    image: "%s"\n' "$service" "$digest" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    [ -z "$label" ] || printf '    labels:\n      windlass.files: "%s"\n' "$label" >>"$pins.part" || wl_write_failed "$wl_state" "Writing the images"
    printf '%s\t%s\t%s\t%s\t%s\n' "$service" "$image" "$digest" "$id" "$count" >>"$wl_release/images" || wl_write_failed "$wl_state" "Writing the images"
    n=$((n + 1))
    [ "$n" -gt 40 ] || wl_result "image_$n" "$service$tab$image$tab$digest"
    wl_note "$service runs $digest"
done <"$wl_release/services"
{ cp -p -- "$pins.part" "$wl_release/place/docker-compose.override.yml" && mv -T -- "$pins.part" "$pins"; } || wl_write_failed "$wl_state" "Writing the images"
sync -f "$pins" 2>/dev/null || sync
