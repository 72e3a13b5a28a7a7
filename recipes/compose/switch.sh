# switch.sh - the point of no return: the release's files, secret files among them, go into the project folder, and Compose replaces the containers. Each line may be repeated after a cut.
# What was there before this job is written down first, for switch_back.sh. Files are moved and
# linked, not copied: a full disk must stop neither this nor the way back.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
[ -s "$wl_release/docker-compose.override.yml" ] || wl_fail "The release's files are gone: $wl_release. Fix: deploy again."

keep() { # file of the project folder: a second name in before-<job>
    [ ! -f "$wl_root/$1" ] || ln -- "$wl_root/$1" "$wl_before.part/$1" 2>/dev/null || cp -p -- "$wl_root/$1" "$wl_before.part/$1" ||
        wl_write_failed "$wl_state" "Keeping the old $1"
}

if [ ! -d "$wl_before" ]; then
    rm -rf -- "$wl_before.part"
    mkdir -- "$wl_before.part" || wl_write_failed "$wl_state" "Writing down what serves"
    for file in docker-compose.yml docker-compose.override.yml .env .windlass/live .windlass/version .windlass/expected .windlass/files_label; do
        case $file in .windlass/*) mkdir -p -- "$wl_before.part/.windlass" || wl_write_failed "$wl_state" "Writing down what serves" ;; esac
        keep "$file"
    done
    [ -e "$wl_release/files.list" ] || : >"$wl_release/files.list" || wl_write_failed "$wl_state" "Listing the secret files"
    wl_keep_files "$wl_root" "$wl_release/files.list" "$wl_before.part/secret_files"
    wl_note_containers "$wl_before.part" "$wl_state/"
    sync -f "$wl_before.part" 2>/dev/null || sync
    mv -T -- "$wl_before.part" "$wl_before" || wl_write_failed "$wl_state" "Writing down what serves"
fi

wl_check_lock
place() { # file: from the release's place/ into the project folder. One that was moved before a cut is there already
    [ ! -f "$wl_release/place/$1" ] || mv -fT -- "$wl_release/place/$1" "$wl_root/$1" || wl_write_failed "$wl_root" "Putting $1 in place"
}
awk -F"$tab" -v OFS="$tab" '{ print $1, $4, $5, $2 }' "$wl_release/images" >"$wl_state/expected.next" || wl_write_failed "$wl_state" "Writing what is expected"
wl_place_files "$wl_root" "$wl_release/files" "$wl_release/files.list" "$wl_before/secret_files"
for file in docker-compose.yml .env docker-compose.override.yml; do
    place "$file"
done
mv -fT -- "$wl_state/expected.next" "$wl_state/expected" || wl_write_failed "$wl_state" "Writing what is expected"
wl_say "$WL_RELEASE_ID" live
wl_say "$WL_VERSION" version
wl_say "$(cat "$wl_release/files_label" 2>/dev/null)" files_label
sync -f "$wl_root" 2>/dev/null || sync

wl_up "$wl_root" "$wl_root/docker-compose.override.yml"
wl_note "The containers of $wl_project are those of v$WL_RELEASE now."
