# lb_tidy.sh - on a load balancer: app servers that are none of this environment any more go from the upstream's file.
# shellcheck shell=sh disable=SC2154
wl_image_places
umask 077
wl_lb_now | awk -v list="$WL_LB_SERVERS" '
    BEGIN { count = split(list, place, " "); for (i = 1; i <= count; i++) ours[place[i]] = 1 }
    $1 in ours' >"$wl_state/servers-$WL_JOB" || wl_write_failed "$wl_state" "Writing the servers"
if [ "$(wl_lb_now | wc -l)" -ne "$(wc -l <"$wl_state/servers-$WL_JOB")" ]; then
    wl_lb_put "$wl_state/servers-$WL_JOB"
    wl_note "What is no server of this environment any more is gone from $wl_upstream."
fi
rm -f -- "$wl_state/servers-$WL_JOB"
wl_lb_now | while read -r place state; do wl_note "  $place: $state"; done
