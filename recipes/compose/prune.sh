# prune.sh - files and images of this environment's old releases go, by number; never those of the present release, of the one that was in place before or of the last one that was proven
# (WL_GOOD), and never an image that any container uses or that is not written down in a release of ours. The new release is proven by now, so what was kept for going back goes too.
# What was tried since that one was not proven: it does not count among the releases to keep, and goes.
# Results: kept, removed; kept_<n> = ids of releases whose files and images are all here.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
keep=${WL_SET_KEEP:-5}
previous=$(cat "$wl_before/.windlass/live" 2>/dev/null || cat "$wl_state/previous" 2>/dev/null || :)
list=$wl_state/prune-$WL_JOB
kept_images=$wl_state/kept-$WL_JOB
trap 'rm -f -- "$list" "$kept_images"' EXIT
{ : >"$list" && : >"$kept_images"; } || wl_write_failed "$wl_state" "Listing the releases"

for folder in "$wl_state/releases"/*; do
    [ -d "$folder" ] || continue
    name=${folder##*/}
    case $name in *.part) [ "$name" = "$WL_RELEASE_ID.part" ] || rm -rf -- "$folder" ;; esac
    number=$(sed -n 's/^release=\([0-9][0-9]*\)$/\1/p' "$folder/about" 2>/dev/null | head -n 1)
    [ -z "$number" ] || printf '%s %s\n' "$number" "$name" >>"$list"
done

kept=0
removed=0
old=
complete=
has_images() { # id: every image that this release ran is here
    [ -s "$wl_state/releases/$1/images" ] || return 1
    while IFS=$tab read -r service image digest id count; do
        [ "$(docker image inspect --format '{{.Id}}' "$digest" 2>/dev/null)" = "$id" ] || return 1
    done <"$wl_state/releases/$1/images"
}

# The number of the last one that was proven; those above it, but for this one, never were.
proven=$(awk -v good="${WL_GOOD:-none}" -v previous="$previous" '$2 == good { g = $1 } $2 == previous { p = $1 } END { print (g != "" ? g : p) }' "$list")
while read -r number name; do
    [ -n "$name" ] || continue
    if [ "$name" = "$WL_RELEASE_ID" ] || [ "$name" = "$previous" ] || [ "$name" = "${WL_GOOD:-}" ] ||
        { [ "$kept" -lt "$keep" ] && [ "$number" -lt "${proven:-$WL_RELEASE}" ]; }; then
        kept=$((kept + 1))
        ! has_images "$name" || complete="$complete $name"
        cut -f2-4 "$wl_state/releases/$name/images" 2>/dev/null | tr '\t' '\n' >>"$kept_images"
    else
        old="$old $name"
    fi
done <<LIST
$(sort -rn "$list")
LIST

for name in $old; do
    while IFS=$tab read -r service image digest id count; do
        # One that never came from a registry was made here by somebody: it is not ours to remove.
        if [ -z "$id" ] || [ "$digest" = "$id" ] || grep -qFx -e "$digest" -e "$id" "$kept_images"; then
            continue
        fi
        for name_of_it in "$image" "$digest"; do
            [ "$(docker image inspect --format '{{.Id}}' "$name_of_it" 2>/dev/null)" = "$id" ] || continue # the tag is another image by now
            # Refused by the engine while a container uses it, which is as it should be.
            ! docker image rm "$name_of_it" >/dev/null 2>&1 || wl_note "Removed $name_of_it of $service"
        done
    done <"$wl_state/releases/$name/images" 2>/dev/null || :
    wl_note "Removing the files of an old release ($name)"
    rm -rf -- "${wl_state:?}/releases/$name" || wl_fail "releases/$name cannot be removed. Fix: check who owns its files."
    removed=$((removed + 1))
done
[ -z "$previous" ] || printf '%s\n' "$previous" >"$wl_state/previous"
for left in "$wl_state"/before-* "$wl_state"/since-* "$wl_state"/said-* "$wl_state"/now-* "$wl_state"/check-* "$wl_state"/config-* "$wl_state"/engine-*; do
    rm -rf -- "$left"
done
wl_result kept "$kept"
wl_result removed "$removed"
wl_result_kept "$complete"
wl_note "$kept releases are kept, $removed removed."
