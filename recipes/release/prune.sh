# prune.sh - old releases go, by number; never `current`, never `previous`. The new release is proven by now, so what was kept for going back goes too.
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
while read -r number name; do
    [ -n "$name" ] || continue
    if [ "$name" = "$current" ] || [ "$name" = "$previous" ] || [ "$kept" -lt "$keep" ]; then
        kept=$((kept + 1))
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
