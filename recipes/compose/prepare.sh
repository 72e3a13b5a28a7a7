# prepare.sh - everything that can be known to fail is found here, before anything is written or pulled. Changes nothing that serves.
# shellcheck shell=sh disable=SC2154 # lib.sh and common.sh stand in front
wl_project_places
for tool in awk sed df setsid sort cut; do
    command -v "$tool" >/dev/null || wl_fail "The server lacks the command $tool. Fix: run Check on the server's page; it shows the line that installs it."
done
wl_engine
wl_note "Docker $wl_docker_version, Compose $wl_compose_version ($([ "$wl_compose_kind" = plugin ] && echo 'docker compose' || echo docker-compose))"
wl_result docker "$wl_docker_version"
wl_result compose "$wl_compose_version"

wl_writable "$wl_root"
{ mkdir -p -- "$wl_state/releases" && chmod 0700 "$wl_state"; } || wl_write_failed "$wl_root" "Making the folder .windlass"
wl_need_kb "$wl_root" 1024
wl_note "Folder $wl_root, $(wl_mb "$(wl_free_kb "$wl_root")") free."
wl_need_docker_disk

# Another folder with a project of this name: its containers would be replaced by ours.
other=$(docker ps -a --filter "label=com.docker.compose.project=$wl_project" --format '{{.Label "com.docker.compose.project.working_dir"}}' | sort -u |
    awk -v root="$wl_root" -v real="$(cd -P -- "$wl_root" && pwd)" -v has_trees="${wl_tree:+yes}" '
        { folder = index($0, real) == 1 ? root substr($0, length(real) + 1) : $0 }
        folder == root || index(folder, root "/.windlass/") == 1 { next }
        has_trees && (index(folder, root "/releases/") == 1 || folder == root "/current" || index(folder, root "/current/") == 1) { next }
        { print }' | head -n 1)
if [ -n "$other" ]; then
    wl_fail "A project called $wl_project runs here already, from the folder $other. Fix: to take it over, set the project folder to $other in the environment's settings; else choose another project name."
fi
running=$(docker ps -q --filter "label=com.docker.compose.project=$wl_project" | wc -l)
wl_note "Live now: $(cat "$wl_state/version" 2>/dev/null || echo nothing known), $((running)) containers of project $wl_project"
! command -v wl_source_prepare >/dev/null || wl_source_prepare
