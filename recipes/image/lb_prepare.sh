# lb_prepare.sh - on a load balancer: what can be known to fail there, and a line in the upstream's file for each app server. A new one is down until it is proven. Nothing that
# serves is changed.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_writable "$wl_root"
{ mkdir -p -- "$wl_state" && chmod 0700 "$wl_state"; } || wl_write_failed "$wl_root" "Making the folder .windlass"
wl_need_kb "$wl_root" 1024
wl_nginx_ready
wl_lb_now >"$wl_state/servers-$WL_JOB" || wl_write_failed "$wl_state" "Writing the servers"
new=
for place in $WL_LB_SERVERS; do
    grep -qF -- "$place " "$wl_state/servers-$WL_JOB" && continue
    printf '%s down\n' "$place" >>"$wl_state/servers-$WL_JOB" || wl_write_failed "$wl_state" "Writing the servers"
    new="$new $place"
done
[ -z "$new" ] || wl_lb_put "$wl_state/servers-$WL_JOB"
[ -z "$new" ] || wl_note "New, and down until they are proven:$new"
wl_lb_now | while read -r place state; do wl_note "  $place: $state"; done
rm -f -- "$wl_state/servers-$WL_JOB"
