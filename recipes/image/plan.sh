# plan.sh - what a deploy would find and do here, for the page that asks a person to confirm it. Nothing is written on this server, and nothing is pulled.
# WL_PLAN_SERVICES: one line web<TAB>image reference. Results: planned_<n>, disk_<n>, and looked=1 when all of it was seen.
# shellcheck shell=sh disable=SC2154
wl_image_places
wl_environment=${WL_ENVIRONMENT:-}
wl_plan_engine docker.io

look() {
    wl_running >"$wl_temporary/containers"
    printf '%s\n' "${WL_PLAN_SERVICES:-}" >"$wl_temporary/services"

    n=0
    while IFS=$tab read -r service reference; do
        [ -n "$service" ] || continue
        n=$((n + 1))
        wl_plan_image "$service" "$reference"
        runs=
        name=$(head -n 1 "$wl_temporary/containers" | cut -d'|' -f1)
        if [ -n "$name" ]; then
            image=$(docker inspect --type container --format '{{.Image}}' "$name" 2>/dev/null)
            [ -z "$image" ] || runs=$(wl_plan_runs "$image" "$reference" "$wl_digest")
        fi
        count=$(wc -l <"$wl_temporary/containers" | tr -d ' ')
        wl_plan_tell "$n" "$service" "$reference" "$runs" "$count" "$count"
    done <"$wl_temporary/services"
    wl_plan_disks
    wl_result live "$(cat "$wl_kept_state/version" 2>/dev/null)"
    wl_result looked 1
}
wl_plan look
