# prune.sh - old releases go, by number; never `current`, never `previous`, never the last one that was proven (WL_GOOD). The new release is proven by now, so what was kept for going back goes too.
# What was tried since that one was not proven: it does not count among the releases to keep, and goes.
# Results: kept, removed; kept_<n> = ids of releases whose folders are here.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
current=$(basename -- "$(readlink "$wl_root/current")")
previous=$(basename -- "$(readlink "$wl_root/previous" 2>/dev/null || echo none)")
keep=${WL_SET_KEEP:-5}
removed=0

remove() { # name in releases/
    wl_note "Removing releases/$1"
    rm -rf -- "${wl_releases:?}/$1" || wl_fail "releases/$1 cannot be removed. Fix: check who owns its files."
    removed=$((removed + 1))
}

list=$wl_state/prune-$WL_JOB
: >"$list" || wl_write_failed "$wl_state" "Listing the releases"
for folder in "$wl_releases"/*; do
    [ -d "$folder" ] || continue
    name=${folder##*/}
    case $name in
    *.incomplete) [ "$name" = "$WL_RELEASE_ID.incomplete" ] || remove "$name" ;;
    *) number=$(sed -n 's/^release=\([0-9][0-9]*\)$/\1/p' "$folder/.windlass-release" 2>/dev/null | head -n 1)
        [ -z "$number" ] || printf '%s %s\n' "$number" "$name" >>"$list" ;; # a folder that is not ours is left alone
    esac
done
kept=0
names=
# The number of the last one that was proven; those above it, but for this one, never were.
proven=$(awk -v good="${WL_GOOD:-none}" -v previous="$previous" '$2 == good { g = $1 } $2 == previous { p = $1 } END { print (g != "" ? g : p) }' "$list")
while read -r number name; do
    [ -n "$name" ] || continue
    if [ "$name" = "$current" ] || [ "$name" = "$previous" ] || [ "$name" = "${WL_GOOD:-}" ] ||
        { [ "$kept" -lt "$keep" ] && [ "$number" -lt "${proven:-$WL_RELEASE}" ]; }; then
        kept=$((kept + 1))
        names="$names $name"
    else
        wl_note "v$number"
        remove "$name"
    fi
done <<LIST
$(sort -rn "$list")
LIST
rm -rf -- "$list" "$wl_state"/before-* "$wl_state"/files-* "$wl_state"/back-* "$wl_shared"/.env.next-* "$wl_shared"/.env.back-* "$wl_shared"/.files.next-*
wl_result kept "$kept"
wl_result removed "$removed"
wl_result_kept "$names"
