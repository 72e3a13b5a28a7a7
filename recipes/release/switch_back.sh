# switch_back.sh - undo of switch.sh: what was live before this job is `current` again, with its variables and secret files. Without anything before, `current` goes.
# Results: version and port (of what is current now, for the health check), nothing_before=1 when there is no release to go back to.
# shellcheck shell=sh disable=SC2154
wl_places
wl_check_lock
umask 077
before=$wl_state/before-$WL_JOB
rm -rf -- "$wl_shared/.env.next-$WL_JOB" "$wl_shared/.files.next-$WL_JOB"

if [ ! -e "$before" ]; then
    wl_note "The switch had not begun."
    old=$(readlink "$wl_root/current" 2>/dev/null || :)
else
    old=$(cat "$before")
    if [ -f "$before.env" ]; then
        { cp -p -- "$before.env" "$wl_shared/.env.back-$WL_JOB" && mv -T -- "$wl_shared/.env.back-$WL_JOB" "$wl_shared/.env"; } ||
            wl_write_failed "$wl_shared" "Putting the old variables back"
    else
        rm -f -- "$wl_shared/.env"
    fi
    wl_restore_files "$wl_shared" "$before.files"
fi
if [ -z "$old" ]; then
    rm -f -- "$wl_root/current"
    wl_result nothing_before 1
    wl_note "No release was live before: current is removed."
    exit 0
fi
[ -d "$wl_root/$old" ] || wl_fail "The release that was live before is gone: $wl_root/$old. Fix: deploy a release that works."
[ "$(readlink "$wl_root/current" 2>/dev/null)" = "$old" ] || wl_replace_link "$old" "$wl_root/current"
sync -f "$wl_root" 2>/dev/null || sync
if [ -f "$before.start" ] && [ -f "$before.port" ]; then # read by restart.sh
    { cp -- "$before.port" "$wl_state/back-$WL_JOB.port" && cp -- "$before.start" "$wl_state/back-$WL_JOB.start"; } ||
        wl_write_failed "$wl_state" "Restoring how the old release was started"
    wl_result port "$(cat "$before.port")"
fi
wl_result version "$(sed -n 's/^version=//p' "$wl_root/$old/.windlass-release" 2>/dev/null)"
wl_note "current -> $old again"
