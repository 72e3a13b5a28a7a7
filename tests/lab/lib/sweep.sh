#!/bin/bash
# sweep.sh - removes what owners that are gone have left: machines, registries, what `up` noted (sourced by lab.sh). Nothing of an owner that lives, nothing
# without our label.

lab_sweep_containers() {
    local id owner
    while read -r id owner; do
        lab_owner_lives "$owner" || docker rm -f -v "$id" >/dev/null 2>&1
    done < <(docker ps -a --filter label=windlass-lab --format '{{.ID}} {{.Label "windlass-lab"}}')
}

lab_sweep_registries() {
    local folder
    for folder in "$LAB_STATE"/registry.*; do
        [ -s "$folder/owner" ] || continue
        lab_owner_lives "$(cat "$folder/owner")" || lab_registry_remove "$folder"
    done
}

lab_sweep() {
    local folder
    lab_sweep_containers
    lab_sweep_registries
    for folder in "$LAB_STATE"/up-*; do
        [ ! -s "$folder/owner" ] || lab_owner_lives "$(cat "$folder/owner")" || rm -rf "$folder"
    done
}
