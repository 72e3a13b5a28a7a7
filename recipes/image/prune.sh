# prune.sh - containers, files and images of this environment's old releases go, by number; never those of the present release, the one before or the last one that was proven
# (WL_GOOD), never what has not our label or is not written down in a release of ours, never an image that a container uses. Releases that never were live do not count among those that are kept. The new
# release is proven by now, so what was kept for going back goes too.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
keep=${WL_SET_KEEP:-5}
previous=$(cat "$wl_before/live" 2>/dev/null || cat "$wl_state/previous" 2>/dev/null || :)
[ "$previous" != "$WL_RELEASE_ID" ] || previous=$(cat "$wl_state/previous" 2>/dev/null || :)
list=$wl_state/prune-$WL_JOB
kept_images=$wl_state/kept-$WL_JOB
trap 'rm -f -- "$list" "$kept_images"' EXIT
{ : >"$list" && : >"$kept_images"; } || wl_write_failed "$wl_state" "Listing the releases"

wl_list_releases "$list"

kept=0
old=
complete=
has_image() { # id: the image that this release ran is here
    IFS=$tab read -r _ _ id 2>/dev/null <"$wl_state/releases/$1/image" && docker image inspect "$id" >/dev/null 2>&1
}
while read -r number name; do
    [ -n "$name" ] || continue
    if [ "$name" = "$WL_RELEASE_ID" ] || [ "$name" = "$previous" ] || [ "$name" = "${WL_GOOD:-}" ] || { [ "$kept" -lt "$keep" ] && [ -e "$wl_state/releases/$name/proven" ]; }; then
        kept=$((kept + 1))
        ! has_image "$name" || complete="$complete $name"
        cut -f1-3 "$wl_state/releases/$name/image" 2>/dev/null | tr '\t' '\n' >>"$kept_images"
    else
        old="$old $name"
    fi
done <<LIST
$(sort -rn "$list")
LIST

removed=0
for name in $old; do
    wl_ours --filter "label=windlass.release=$name" | while IFS='|' read -r container role release state port; do
        case $state in
        running | restarting | paused) wl_note "$container runs although its release is old; it is left alone." ;;
        *) docker rm "$container" >/dev/null 2>&1 && wl_note "Removed the container $container" ;;
        esac
    done
    ! IFS=$tab read -r image digest id 2>/dev/null <"$wl_state/releases/$name/image" || wl_remove_image "$image" "$digest" "$id" "$kept_images"
    rm -rf -- "${wl_state:?}/releases/$name" || wl_fail "releases/$name cannot be removed. Fix: check who owns its files."
    removed=$((removed + 1))
done
[ -z "$previous" ] || wl_say "$previous" previous
for left in "$wl_state"/before-* "$wl_state"/switched-* "$wl_state"/restarted-* "$wl_state"/said-* "$wl_state"/now-* "$wl_state"/peers-* "$wl_state"/stop-* "$wl_state"/heeded-* "$wl_state"/upstream-* "$wl_state"/includes-* "$wl_state"/*.next; do
    rm -rf -- "$left"
done
wl_forget_hooks --filter "label=windlass.hook_of=$wl_environment"
wl_result kept "$kept"
wl_result removed "$removed"
wl_result_kept "$complete"
wl_note "$kept releases are kept, $removed removed."
