# pull.sh - logs in, pulls the image by the tag of this deploy, and notes what it is by content: that is what the containers are made of. On a second server the
# digest of the first is pulled, whatever the tag has become since.
# Results: image_1 = web, image with its tag, digest or local id.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
umask 077
[ -s "$wl_release/roles" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
trap wl_log_out EXIT
wl_log_in
image=$WL_SET_IMAGE:$WL_VERSION
wl_pull_image web "$image" -
printf '%s\t%s\t%s\n' "$image" "$wl_image_digest" "$wl_image_id" >"$wl_release/image.part" || wl_write_failed "$wl_state" "Writing the image"
mv -T -- "$wl_release/image.part" "$wl_release/image" || wl_write_failed "$wl_state" "Writing the image"
wl_result image_1 "web$tab$image$tab$wl_image_digest"
wl_note "This release runs $wl_image_digest"
