# switch_back.sh - undo of switch.sh: the link `current` leads to the old checkout again, and Compose makes the containers from it. Without anything before, the new containers are taken down;
# volumes stay.
# Results: version (of what is in place now), nothing_before=1 when there is nothing to go back to.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
if [ ! -d "$wl_before" ]; then
    wl_note "The switch had not begun."
    [ -n "$(wl_containers)" ] || wl_result nothing_before 1
    wl_result version "$(cat "$wl_state/version" 2>/dev/null)"
    exit 0
fi
old=$(cat "$wl_before/.windlass/live" 2>/dev/null)

# --- nothing of ours before: down, or what was started by hand ---------------------------------------------------------------------
if [ -z "$old" ]; then
    if [ ! -s "$wl_before/containers" ]; then
        [ ! -L "$wl_root/current" ] || wl_compose "$wl_home" "$wl_pins" down --remove-orphans 2>&1 ||
            wl_fail "The new containers cannot be taken down. Fix: see the lines above; on the server: docker compose -p $wl_project down"
        [ -z "$(wl_containers)" ] || wl_fail "Containers of $wl_project are still there after down. Fix: docker compose -p $wl_project down"
        wl_result nothing_before 1
        wl_note "Nothing was live before: the new containers are gone. Volumes stay."
    fi
    rm -f -- "$wl_root/current" "$wl_state/live" "$wl_state/version" "$wl_state/expected"
    [ ! -s "$wl_before/containers" ] || wl_up_by_hand
    exit 0
fi

# --- a release of ours -----------------------------------------------------------------------------------------------------------
[ -d "$wl_root/releases/$old" ] || wl_fail "The checkout of the old release is gone: $wl_root/releases/$old. Fix: deploy a commit that works; see who removes files there."
wl_replace_link "releases/$old" "$wl_root/current"
for file in live version expected; do
    { cp -p -- "$wl_before/.windlass/$file" "$wl_state/$file.next" && mv -fT -- "$wl_state/$file.next" "$wl_state/$file"; } || wl_write_failed "$wl_state" "Writing what serves"
done
sync -f "$wl_root" 2>/dev/null || sync
wl_source_file "$wl_root/releases/$old"
wl_up "$wl_root/current$wl_below" "$wl_state/releases/$old/docker-compose.override.yml"
wl_result version "$(cat "$wl_state/version" 2>/dev/null)"
wl_note "The containers of $wl_project are those of $(cat "$wl_state/version" 2>/dev/null || echo 'the old release') again."
