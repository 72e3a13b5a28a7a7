# settle.sh - a witness: the containers that are expected run, are healthy where the image has a health check, and stay so through the soak time. Forward and undo use the same script.
# Results: service_<n> = role, container, status, health, restarts, image, ports, exit code.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_find_docker docker.io
umask 077
[ -s "$wl_state/expected" ] || wl_fail "What should run is not written down ($wl_state/expected is gone). Fix: deploy again."
wl_watch "$wl_state/expected"
wl_check_lock
wl_keep_alive "$wl_state/expected"
wl_report "$wl_state/expected"
wl_result in_a_row "$((wl_clock - wl_good))"
wl_note "Up, and stayed so for $((wl_clock - wl_good)) s."
