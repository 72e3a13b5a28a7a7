# lb_in.sh - on a load balancer: the app server is asked from here, and when it answers as wanted, requests go to it again.
# shellcheck shell=sh disable=SC2154
wl_image_places
umask 077
if [ -n "${WL_SET_HEALTH_PATH:-}" ] && [ -n "${WL_SET_CONTAINER_PORT:-}" ]; then
    until=$(($(date +%s) + 15))
    while :; do
        if [ -n "${WL_SET_HEALTH_HOST:-}" ]; then
            code=$(curl -s -o /dev/null -m 5 --noproxy '*' -H "Host: $WL_SET_HEALTH_HOST" -w '%{http_code}' "http://$WL_LB_SERVER$WL_SET_HEALTH_PATH")
        else
            code=$(curl -s -o /dev/null -m 5 --noproxy '*' -w '%{http_code}' "http://$WL_LB_SERVER$WL_SET_HEALTH_PATH")
        fi
        if [ "$code" = "${WL_SET_HEALTH_STATUS:-200}" ] || [ "$(date +%s)" -ge "$until" ]; then break; fi
        wl_pause
    done
    case $code in
    "${WL_SET_HEALTH_STATUS:-200}") wl_note "http://$WL_LB_SERVER$WL_SET_HEALTH_PATH answers $code from here." ;;
    000 | '') wl_fail "The load balancer does not reach the app at $WL_LB_SERVER. Fix: publish it on 0.0.0.0, let the load balancer through the server's firewall, or give its private address in the settings." ;;
    *) wl_fail "http://$WL_LB_SERVER$WL_SET_HEALTH_PATH answers $code to the load balancer and not ${WL_SET_HEALTH_STATUS:-200}. Fix: see whether something else has this address." ;;
    esac
fi
if wl_lb_now | grep -qFx "$WL_LB_SERVER up"; then
    wl_note "$WL_LB_SERVER is in already."
else
    wl_note "\$ nginx reload: $WL_SET_UPSTREAM with $WL_LB_SERVER"
    wl_lb_set up
fi
