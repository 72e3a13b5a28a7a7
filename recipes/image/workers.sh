# workers.sh - behind the barrier: the release is proven healthy, so the workers of the same image take over. New ones first, watched like the web container; then the old ones are
# stopped, also those of roles that are no more.
# Results: service_<n>, of all containers of the release.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
new=$wl_state/expected.next
while IFS= read -r role; do
    wl_name_of "$role"
    echo
done <"$wl_release/roles" >"$new" || wl_write_failed "$wl_state" "Writing what is expected"
while IFS= read -r role; do
    [ "$role" != web ] || continue
    wl_check_lock
    wl_start "$(wl_name_of "$role")"
done <"$wl_release/roles"
mv -fT -- "$new" "$wl_state/expected" || wl_write_failed "$wl_state" "Writing what is expected"
wl_watch "$wl_state/expected"
wl_check_lock
wl_keep_alive "$wl_state/expected"
wl_running | awk -F'|' -v new="$WL_RELEASE_ID" '$2 != "web" && $3 != new { print $1 }' >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
while IFS= read -r old; do
    wl_check_lock
    wl_stop "$old"
done <"$wl_state/stop-$WL_JOB"
rm -f -- "$wl_state/stop-$WL_JOB"
wl_report "$wl_state/expected"
wl_note "The workers are those of v$WL_RELEASE now."
