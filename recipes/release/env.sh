# env.sh - the environment's variables and secrets, 0600, whole or not at all. They lie beside the live ones until switch.sh puts them in
# place, so that an app which restarts in between still gets its own.
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
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600)."
