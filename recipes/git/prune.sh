# prune.sh - checkouts, files and images of old releases go, by number; never those of the present release, of the one that was in place before or of the last one that was proven (WL_GOOD), never an
# image that a container uses or that is not of a release of ours, and never a checkout in which somebody has changed something.
# Results: kept, removed; kept_<n> = ids of releases whose checkout and images are all here.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
list=$wl_state/prune-$WL_JOB
kept_images=$wl_state/kept-$WL_JOB
trap 'rm -f -- "$list" "$kept_images"' EXIT
wl_choose_old "$list" "$kept_images"

remove_tree() { # id
    tree=$wl_root/releases/$1
    [ -d "$tree" ] || return 0
    changed=$(git -C "$tree" status --porcelain 2>/dev/null | head -n 3 | cut -c4- | tr '\n' ' ' | sed 's/ $//')
    if [ -n "$changed" ]; then
        wl_note "WARNING: somebody has changed $changed in $tree, a checkout of an old release. It is left alone: commit it, or remove the folder."
        return 0
    fi
    rm -rf -- "$tree" || wl_note "WARNING: $tree cannot be removed whole: something in it belongs to another account."
    git -C "$wl_source" update-ref -d "refs/windlass/$1" 2>/dev/null || :
}

for tree in "$wl_root/releases"/*.part; do
    [ "$tree" = "$wl_tree.part" ] || rm -rf -- "$tree"
done
# Of releases that failed before anything was written down about them.
for tree in "$wl_root/releases"/*; do
    name=${tree##*/}
    [ ! -d "$tree" ] || [ -d "$wl_state/releases/$name" ] || remove_tree "$name"
done

removed=0
for name in $wl_old; do
    while IFS= read -r image; do # a second name of a kept release stays; the image goes with its last one, unless a container uses it
        ! docker image rm "$image" >/dev/null 2>&1 || wl_note "Removed the image $image"
    done 2>/dev/null <"$wl_state/releases/$name/kept_names" || :
    remove_tree "$name"
    wl_remove_old "$name" "$kept_images"
    removed=$((removed + 1))
done
wl_end_prune "$removed"
