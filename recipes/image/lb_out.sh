# lb_out.sh - on a load balancer: no new request goes to this app server, and those that it has begun may end, for as long as the drain lasts.
# Results: open_at_limit = connections that were still open then.
# shellcheck shell=sh disable=SC2154
wl_image_places
umask 077
if wl_lb_now | grep -qFx "$WL_LB_SERVER down"; then
    wl_note "$WL_LB_SERVER is out already."
else
    wl_note "\$ nginx reload: $WL_SET_UPSTREAM without $WL_LB_SERVER"
    wl_lb_set down
fi
limit=$(($(date +%s) + ${WL_SET_DRAIN_S:-30}))
sleep 1 # nginx' old processes still take what is on its way to them
quiet=0
while :; do
    left=$(wl_lb_open)
    if [ "$left" -eq 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
    if [ "$quiet" -ge 2 ] || [ "$(date +%s)" -ge "$limit" ]; then break; fi
    wl_pause
done
wl_result open_at_limit "$left"
if [ "$left" -eq 0 ]; then
    wl_note "$WL_LB_SERVER is drained: no connection from here is open."
else
    wl_note "At the end of the drain $left connections to $WL_LB_SERVER are still open (websockets, or long downloads): they end with the container. More seconds to drain can be given in the settings."
fi
