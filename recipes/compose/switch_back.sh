# switch_back.sh - undo of switch.sh: the files that were there before this job, secret files among them, are put back and Compose makes the containers from them. Without anything before, the new
# containers are taken down; volumes stay.
# Results: version (of what is in place now), nothing_before=1 when there is nothing to go back to.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_check_lock
wl_engine
umask 077
if [ ! -d "$wl_before" ]; then
    wl_note "The switch had not begun."
    [ -n "$(wl_containers)" ] || wl_result nothing_before 1
    wl_result version "$(cat "$wl_state/version" 2>/dev/null)"
    exit 0
fi

back() { # file of the project folder
    rm -f -- "$wl_root/$1.back-$WL_JOB"
    ! wl_is_same_file "$wl_before/$1" "$wl_root/$1" || return 0 # it is back already
    if [ -f "$wl_before/$1" ]; then
        ln -- "$wl_before/$1" "$wl_root/$1.back-$WL_JOB" 2>/dev/null || cp -p -- "$wl_before/$1" "$wl_root/$1.back-$WL_JOB" ||
            wl_write_failed "$wl_root" "Putting the old $1 back"
        mv -fT -- "$wl_root/$1.back-$WL_JOB" "$wl_root/$1" || wl_write_failed "$wl_root" "Putting the old $1 back"
    else
        rm -f -- "$wl_root/$1"
    fi
}

# --- nothing before: down ----------------------------------------------------------------------------------------------------------
if [ ! -s "$wl_before/containers" ] && [ ! -f "$wl_before/.windlass/live" ]; then
    if [ -f "$wl_root/docker-compose.override.yml" ]; then
        wl_compose "$wl_root" "$wl_root/docker-compose.override.yml" down --remove-orphans 2>&1 || wl_fail "The new containers cannot be taken down. Fix: see the lines above; on the server: docker compose -p $wl_project down"
    fi
    for file in docker-compose.yml docker-compose.override.yml .env .windlass/live .windlass/version .windlass/expected .windlass/files_label; do
        back "$file"
    done
    wl_restore_files "$wl_root" "$wl_before/secret_files"
    [ -z "$(wl_containers)" ] || wl_fail "Containers of $wl_project are still there after down. Fix: docker compose -p $wl_project down"
    wl_result nothing_before 1
    wl_note "Nothing was live before: the new containers are gone. Volumes stay."
    exit 0
fi

# --- a release of ours, or a project that was started by hand ------------------------------------------------------------------------
for file in docker-compose.yml docker-compose.override.yml .env .windlass/live .windlass/version .windlass/expected .windlass/files_label; do
    back "$file"
done
wl_restore_files "$wl_root" "$wl_before/secret_files"
sync -f "$wl_root" 2>/dev/null || sync
if [ -f "$wl_before/.windlass/live" ]; then
    wl_up "$wl_root" "$wl_root/docker-compose.override.yml"
    wl_result version "$(cat "$wl_state/version" 2>/dev/null)"
    wl_note "The containers of $wl_project are those of $(cat "$wl_state/version" 2>/dev/null || echo 'the old release') again."
    exit 0
fi

wl_up_by_hand
