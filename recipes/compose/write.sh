# write.sh - the Compose file, .env (0600) and the secret files, whole or not at all, are laid into the release's own folder, and Compose is asked whether it can read them. What serves
# keeps its files until switch.sh.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
rm -rf -- "$wl_release.part"
# In place/ a second copy of each file waits for switch.sh, which then only has to move it.
mkdir -p -- "$wl_release.part/place" || wl_write_failed "$wl_state" "Making the release's folder"

put() { # file, text
    want=$(printf '%s' "$2" | wc -c)
    if ! printf '%s' "$2" >"$wl_release.part/$1" || [ "$(wc -c <"$wl_release.part/$1")" -ne "$want" ] ||
        ! cp -p -- "$wl_release.part/$1" "$wl_release.part/place/$1"; then
        rm -rf -- "$wl_release.part"
        wl_write_failed "$wl_root" "Writing $1"
    fi
}

put docker-compose.yml "$WL_SET_COMPOSE"
put .env "${WL_ENV_FILE:-}"
wl_stage_files "$wl_release.part/files" "$wl_release.part/files.list" "$wl_root"
printf 'release=%s\nversion=%s\n' "$WL_RELEASE" "$WL_VERSION" >"$wl_release.part/about" || wl_write_failed "$wl_root" "Writing the release's number"
sync -f "$wl_release.part/.env" 2>/dev/null || sync

# --- can Compose read them? ------------------------------------------------------------------------------------------------------
check=$wl_state/check-$WL_JOB
wl_view "$check" "$wl_release.part"

wl_read_services "$check" "$wl_release.part"
rm -rf -- "$check"

# Compose makes a container anew when its own definition changes, not when a mounted file does: so each service gets a label (pull.sh) that is another one
# whenever the files are. It is the release with which they came, so that it tells nothing of them.
same_files() { # as those that are in place
    cut -d ' ' -f 2- "$wl_state/placed" 2>/dev/null | cmp -s - "$wl_release.part/files.modes" || return 1
    while read -r _ path; do
        cmp -s "$wl_release.part/files/$path" "$wl_root/$path" || return 1
    done <"$wl_release.part/files.modes"
}
cut -d ' ' -f 2- "$wl_release.part/files.list" >"$wl_release.part/files.modes" || wl_write_failed "$wl_state" "Listing the secret files"
label=
if [ -s "$wl_release.part/files.modes" ]; then
    label=$WL_RELEASE_ID
    ! same_files || label=$(cat "$wl_state/files_label" 2>/dev/null || echo "$label")
fi
printf '%s\n' "$label" >"$wl_release.part/files_label" || wl_write_failed "$wl_state" "Writing down the secret files"
rm -f -- "$wl_release.part/files.modes"

rm -rf -- "$wl_release"
mv -T -- "$wl_release.part" "$wl_release" || wl_write_failed "$wl_state" "Putting the release's files in place"
sync -f "$wl_release" 2>/dev/null || sync
wl_result services "$(wc -l <"$wl_release/services" | tr -d ' ')"
wl_note "Compose $wl_compose_version reads the file: $(cut -f1 "$wl_release/services" | tr '\n' ' ')"
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600)."
