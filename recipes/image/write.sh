# write.sh - the variables (0600), the secret files, the roles and their commands, whole or not at all, in the release's own folder. They stay there for as long as the release
# is kept: an old container that is started again finds the files it had.
# shellcheck shell=sh disable=SC2154
wl_image_places
umask 077
part=$wl_release.part
rm -rf -- "$part"
mkdir -p -- "$part" || wl_write_failed "$wl_state" "Making the release's folder"
want=$(printf '%s' "${WL_ENV_FILE:-}" | wc -c)
if ! printf '%s' "${WL_ENV_FILE:-}" >"$part/.env" || [ "$(wc -c <"$part/.env")" -ne "$want" ]; then
    rm -rf -- "$part"
    wl_write_failed "$wl_state" "Writing the variables"
fi
# The names of the variables: a row begins at the start of a line, unless a value goes on there. In a value each " has a backslash before it.
awk '{
        text = $0
        if (!inside) { at = index(text, "=\""); print substr(text, 1, at - 1); text = substr(text, at + 2) }
        gsub(/\\./, "", text)
        inside = index(text, "\"") == 0
    }' "$part/.env" >"$part/names" || wl_write_failed "$wl_state" "Writing the variables"
wl_stage_files "$part/files" "$part/files.list" "$part"

{ echo web >"$part/roles" && wl_words "${WL_SET_COMMAND:-}" >"$part/command.web"; } || wl_write_failed "$wl_state" "Writing the roles"
while IFS= read -r line; do
    [ -n "$line" ] || continue
    role=${line%%:*}
    { echo "$role" >>"$part/roles" && wl_words "${line#*:}" >"$part/command.$role"; } || wl_write_failed "$wl_state" "Writing the roles"
done <<LINES
${WL_SET_WORKERS:-}
LINES
printf 'release=%s\nversion=%s\n' "$WL_RELEASE" "$WL_VERSION" >"$part/about" || wl_write_failed "$wl_state" "Writing the release's number"
sync -f "$part/about" 2>/dev/null || sync
rm -rf -- "$wl_release"
mv -T -- "$part" "$wl_release" || wl_write_failed "$wl_state" "Putting the release's files in place"
sync -f "$wl_release" 2>/dev/null || sync
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600). Roles: $(tr '\n' ' ' <"$wl_release/roles")"
