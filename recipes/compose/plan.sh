# plan.sh - what a deploy would find and do here, for the page that asks a person to confirm it. Nothing is written on this server, and nothing is pulled.
# WL_PLAN_SERVICES: lines service<TAB>image reference. Results: planned_<n>, gone_<n>, disk_<n>, file_<n>, and looked=1 when all of it was seen.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_plan_engine "docker.io docker-compose"

look() {
    wl_look >"$wl_temporary/containers" || wl_engine_failed "The containers cannot be listed."
    printf '%s\n' "${WL_PLAN_SERVICES:-}" >"$wl_temporary/services"

    n=0
    while IFS=$tab read -r service reference; do
        [ -n "$service" ] || continue
        n=$((n + 1))
        [ "$n" -le 40 ] || break
        wl_plan_image "$service" "$reference"
        image=$(awk -F'|' -v service="$service" '$1 == service { if ($3 == "running" || image == "") image = $9 } END { print image }' "$wl_temporary/containers")
        runs=
        [ -z "$image" ] || runs=$(wl_plan_runs "$image" "$reference" "$wl_digest")
        counts=$(awk -F'|' -v service="$service" '$1 == service { there++; run += $3 == "running" } END { print run + 0, there + 0 }' "$wl_temporary/containers")
        wl_plan_tell "$n" "$service" "$reference" "$runs" "${counts% *}" "${counts#* }"
    done <"$wl_temporary/services"

    # Containers of the project whose service is not in the file any more.
    awk -F'|' -v tab="$tab" -v file="$wl_temporary/services" '
        BEGIN { while ((getline line <file) > 0) { sub(tab ".*", "", line); kept[line] = 1 } }
        !($1 in kept) { name = $2; sub(/^\//, "", name); print $1 tab name }' "$wl_temporary/containers" >"$wl_temporary/gone"
    n=0
    while IFS= read -r line; do
        n=$((n + 1))
        [ "$n" -gt 8 ] || wl_result "gone_$n" "$line"
    done <"$wl_temporary/gone"

    wl_plan_file 1 docker-compose.yml "$wl_root/docker-compose.yml"
    wl_plan_disks
    wl_result live "$(cat "$wl_kept_state/version" 2>/dev/null)"
    wl_result looked 1
}
wl_plan look
