# retire.sh - the old container gets no new connection any more; it finishes what it has begun, is stopped, and kept. So are workers, where this release has none.
# Results: open_at_limit = connections that were still open when the drain was over.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_check_lock
wl_find_docker docker.io
umask 077
: >"$wl_release/proven" || wl_write_failed "$wl_state" "Writing that the release is proven"
wl_running | awk -F'|' -v new="$WL_RELEASE_ID" '$3 != new' >"$wl_state/stop-$WL_JOB" || wl_engine_failed "The containers cannot be listed."
since=$(cat "$wl_switched" 2>/dev/null || date +%s)
while IFS='|' read -r old role release state port; do
    if wl_is_behind_nginx && [ -n "$port" ]; then
        wl_drain "$port" "$((since + ${WL_SET_DRAIN_S:-30}))"
    fi
    wl_check_lock
    wl_stop "$old"
    wl_note "$old is stopped, and kept."
done <"$wl_state/stop-$WL_JOB"
rm -f -- "$wl_state/stop-$WL_JOB"
