# switch.sh - the point of no return: variables, secret files and the link `current` go over to the new release. Each line may be repeated after a cut.
# What was there before this job is written down first, for switch_back.sh.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
[ -d "$wl_release" ] || wl_fail "The release's folder is gone: $wl_release. Fix: deploy again."
umask 077
before=$wl_state/before-$WL_JOB
next=$wl_shared/.env.next-$WL_JOB
list=$wl_state/files-$WL_JOB

if [ ! -e "$before" ]; then
    rm -f -- "$before.env" "$before.start" "$before.port"
    if [ -f "$wl_shared/.env" ]; then
        cp -p -- "$wl_shared/.env" "$before.env" || wl_write_failed "$wl_state" "Keeping the old variables"
    fi
    rm -rf -- "$before.files"
    wl_keep_files "$wl_shared" "$list" "$before.files"
    for file in start port; do
        [ ! -f "$wl_state/$file" ] || cp -- "$wl_state/$file" "$before.$file" || wl_write_failed "$wl_state" "Keeping how the old release was started"
    done
    { readlink "$wl_root/current" || :; } >"$before.part" || wl_write_failed "$wl_state" "Writing down the live release"
    sync -f "$before.part" 2>/dev/null || sync
    mv -T -- "$before.part" "$before" || wl_write_failed "$wl_state" "Writing down the live release"
fi
old=$(cat "$before")

wl_check_lock
[ ! -f "$next" ] || mv -T -- "$next" "$wl_shared/.env" || wl_write_failed "$wl_shared" "Putting the variables in place"
if [ -f "$list" ]; then
    wl_place_files "$wl_shared" "$wl_shared/.files.next-$WL_JOB" "$list" "$before.files"
    wl_link_files "$list" shared
fi
if [ -n "$old" ] && [ "$old" != "releases/$WL_RELEASE_ID" ]; then
    wl_replace_link "$old" "$wl_root/previous"
fi
wl_replace_link "releases/$WL_RELEASE_ID" "$wl_root/current"
sync -f "$wl_root" 2>/dev/null || sync
[ "$(readlink "$wl_root/current")" = "releases/$WL_RELEASE_ID" ] || wl_fail "The link current does not point to the new release. Fix: look who else writes to $wl_root."
wl_result before "${old:-none}"
wl_note "current -> releases/$WL_RELEASE_ID (was ${old:-nothing})"
