# prune.sh - files and images of this environment's old releases go, by number; never those of the present release, of the one that was in place before or of the last one that was proven
# (WL_GOOD), and never an image that any container uses or that is not written down in a release of ours. The new release is proven by now, so what was kept for going back goes too.
# Results: kept, removed; kept_<n> = ids of releases whose files and images are all here.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
list=$wl_state/prune-$WL_JOB
kept_images=$wl_state/kept-$WL_JOB
trap 'rm -f -- "$list" "$kept_images"' EXIT
wl_choose_old "$list" "$kept_images"
removed=0
for name in $wl_old; do
    wl_remove_old "$name" "$kept_images"
    removed=$((removed + 1))
done
wl_end_prune "$removed"
