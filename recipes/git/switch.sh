# switch.sh - the point of no return: the link `current` leads to the new checkout from one instant to the next, and Compose replaces the containers. Each line may be repeated after a cut. What
# was there before this job is written down first, for switch_back.sh.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
[ -s "$wl_pins" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."
if [ ! -d "$wl_before" ]; then
    rm -rf -- "$wl_before.part"
    mkdir -p -- "$wl_before.part/.windlass" || wl_write_failed "$wl_state" "Writing down what serves"
    for file in live version expected; do
        [ ! -f "$wl_state/$file" ] || cp -p -- "$wl_state/$file" "$wl_before.part/.windlass/$file" || wl_write_failed "$wl_state" "Writing down what serves"
    done
    wl_note_containers "$wl_before.part" "$wl_tree"
    sync -f "$wl_before.part" 2>/dev/null || sync
    mv -T -- "$wl_before.part" "$wl_before" || wl_write_failed "$wl_state" "Writing down what serves"
fi

wl_check_lock
awk -F"$tab" -v OFS="$tab" '{ print $1, $4, $5, $2 }' "$wl_release/images" >"$wl_state/expected.next" || wl_write_failed "$wl_state" "Writing what is expected"
wl_replace_link "releases/$WL_RELEASE_ID" "$wl_root/current"
mv -fT -- "$wl_state/expected.next" "$wl_state/expected" || wl_write_failed "$wl_state" "Writing what is expected"
wl_say "$WL_RELEASE_ID" live
wl_say "$WL_VERSION" version
sync -f "$wl_root" 2>/dev/null || sync

wl_up "$wl_home" "$wl_pins"
wl_note "The containers of $wl_project are those of v$WL_RELEASE now."
