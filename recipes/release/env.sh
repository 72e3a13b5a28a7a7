# env.sh - the environment's variables and secret files, whole or not at all. They lie beside the live ones (shared/.env.next-<job>, shared/.files.next-<job>/) until
# switch.sh puts them in place, so that an app which restarts in between still gets its own. Where the tarball has nothing at a file's path, the release gets a
# link there: to the file that waits, for migrate.sh; from the switch on, to shared/<path>.
# shellcheck shell=sh disable=SC2154
wl_places
umask 077
next=$wl_shared/.env.next-$WL_JOB
rm -f -- "$next" "$next.part"
want=$(printf '%s' "${WL_ENV_FILE:-}" | wc -c)
if ! printf '%s' "${WL_ENV_FILE:-}" >"$next.part" || [ "$(wc -c <"$next.part")" -ne "$want" ]; then
    rm -f -- "$next.part"
    wl_write_failed "$wl_shared" "Writing the variables"
fi
chmod 0600 "$next.part"
sync -f "$next.part" 2>/dev/null || sync
mv -T -- "$next.part" "$next" || wl_write_failed "$wl_shared" "Writing the variables"

files=$wl_shared/.files.next-$WL_JOB
number=0
while [ "$number" -lt "${WL_FILES:-0}" ]; do
    number=$((number + 1))
    path=$(wl_file_field "$number" PATH)
    case $path in
    log | log/* | .env.next-* | .env.back-* | .files.next-* | .windlass-release)
        wl_file_refused "$path" "Windlass itself writes there. Fix: give it another path."
        ;;
    esac
done
wl_stage_files "$files" "$wl_state/files-$WL_JOB" "$wl_shared"
wl_link_files "$wl_state/files-$WL_JOB" "shared/.files.next-$WL_JOB"
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600)."
