# write.sh - the Compose file, .env (0600) and the secret files, whole or not at all, are laid into the release's own folder, and Compose is asked whether it can read them. What serves
# keeps its files until switch.sh.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
rm -rf -- "$wl_release.part"
# In place/ a second copy of each file waits for switch.sh, which then only has to move it.
mkdir -p -- "$wl_release.part/place" || wl_write_failed "$wl_state" "Making the release's folder"

put() { # file, text
    want=$(printf '%s' "$2" | wc -c)
    if ! printf '%s' "$2" >"$wl_release.part/$1" || [ "$(wc -c <"$wl_release.part/$1")" -ne "$want" ] ||
        ! cp -p -- "$wl_release.part/$1" "$wl_release.part/place/$1"; then
        rm -rf -- "$wl_release.part"
        wl_write_failed "$wl_root" "Writing $1"
    fi
}

put docker-compose.yml "$WL_SET_COMPOSE"
put .env "${WL_ENV_FILE:-}"
wl_stage_files "$wl_release.part/files" "$wl_release.part/files.list" "$wl_root"
printf 'release=%s\nversion=%s\n' "$WL_RELEASE" "$WL_VERSION" >"$wl_release.part/about" || wl_write_failed "$wl_root" "Writing the release's number"
sync -f "$wl_release.part/.env" 2>/dev/null || sync

# --- can Compose read them? ------------------------------------------------------------------------------------------------------
# In a folder in which everything of the project folder can be seen beside the new files, as it will be after the switch.
check=$wl_state/check-$WL_JOB
rm -rf -- "$check"
mkdir -- "$check" || wl_write_failed "$wl_state" "Making a folder for the check"
link_all() { # folder, where to
    for entry in "$1"/* "$1"/.[!.]*; do
        [ ! -e "$entry" ] || ln -s -- "$entry" "$2/${entry##*/}" || wl_write_failed "$wl_state" "Preparing the check"
    done
}
show_file() { # path of a secret file: folders on the way become real ones, with links to what is in them
    at=
    rest=$1
    while [ "$rest" != "${rest#*/}" ]; do
        at=$at/${rest%%/*}
        rest=${rest#*/}
        [ -d "$check$at" ] && [ ! -L "$check$at" ] && continue
        rm -f -- "$check$at"
        mkdir -- "$check$at" || wl_write_failed "$wl_state" "Preparing the check"
        link_all "$wl_root$at" "$check$at"
    done
    { rm -f -- "$check/$1" && ln -s -- "$wl_release.part/files/$1" "$check/$1"; } || wl_write_failed "$wl_state" "Preparing the check"
}
link_all "$wl_root" "$check"
for entry in docker-compose.yml docker-compose.override.yml .env .windlass; do
    rm -f -- "$check/$entry"
done
while read -r number mode path; do
    show_file "$path"
done <"$wl_release.part/files.list"
cp -p -- "$wl_release.part/docker-compose.yml" "$wl_release.part/.env" "$check/" || wl_write_failed "$wl_state" "Preparing the check"

invalid() { # what Compose said, in a file; the place is looked up in the file, since engines name a path or count lines in their own way
    cat "$1"
    said=$(grep -v -i -e '^ *$' -e 'warning' -e 'is invalid because' "$1" | head -n 3 | tr '\n' ' ' | sed "s,$check/,,g; s,\./docker-compose.yml,docker-compose.yml,g" | cut -c1-300)
    # services.web Additional property imge ... / services.web.ports must be ... / services.web: 'imge'
    path=$(printf '%s\n' "$said" | sed -n "s/.*\(services\.[A-Za-z0-9_-]*\(\.[A-Za-z0-9_-][A-Za-z0-9_-]*\)*\).*/\1/p")
    [ -n "$path" ] || path=$(printf '%s\n' "$said" | sed -n "s/.*[Ss]ervice [\"']\([A-Za-z0-9_-]*\)[\"'].*/services.\1/p")
    extra=$(printf '%s\n' "$said" | sed -n "s/.*Additional property \([A-Za-z0-9_-]*\) .*/\1/p; s/.*Unsupported config option for [^ ]*: '\([^']*\)'.*/\1/p" | head -n 1)
    place=
    [ -z "$extra" ] || place=$(wl_yaml_place "$check/docker-compose.yml" "${path:+$path.}$extra")
    [ -n "$place" ] || [ -z "$path" ] || place=$(wl_yaml_place "$check/docker-compose.yml" "$path")
    rm -rf -- "$check"
    wl_fail "The Compose file is not valid${place:+ ($place)}: ${said:-Compose gave no reason}. Fix: mend it in the environment's settings."
}

wl_compose "$check" "" config >"$wl_state/config-$WL_JOB" 2>"$wl_state/said-$WL_JOB" || invalid "$wl_state/said-$WL_JOB"
[ ! -s "$wl_state/said-$WL_JOB" ] || cat "$wl_state/said-$WL_JOB"
rm -rf -- "$check"

# service, image, platform ("-": any), how many containers; from the file as Compose understood it. Services of a profile and those scaled to none do not run.
awk -v tab="$tab" '
    function plain(text) { gsub(/^["'\'' ]+|["'\'' ]+$/, "", text); return text }
    function value(text) { sub(/^[^:]*:/, "", text); return plain(text) }
    /^services:/ { inside = 1; next }
    /^[a-z]/ { inside = 0 } # not any byte: a value with U+2028 in it goes on at the start of a line
    !inside { next }
    /^  [^ ]/ { name = $0; sub(/: *$/, "", name); name = plain(name); order[++n] = name; count[name] = 1; deploy = 0; next }
    /^    [^ -]/ { deploy = 0 }
    /^    image:/ { image[name] = value($0) }
    /^    platform:/ { platform[name] = value($0) }
    /^    profiles:/ { count[name] = 0 }
    /^    scale:/ { count[name] = value($0) + 0 }
    /^    deploy:/ { deploy = 1; next }
    deploy && /^      replicas:/ { count[name] = value($0) + 0 }
    END { for (i = 1; i <= n; i++) if (count[order[i]] > 0) print order[i] tab image[order[i]] tab (platform[order[i]] == "" ? "-" : platform[order[i]]) tab count[order[i]] }
' "$wl_state/config-$WL_JOB" | sort >"$wl_release.part/services" || wl_write_failed "$wl_root" "Writing the list of services"
rm -f -- "$wl_state/config-$WL_JOB" "$wl_state/said-$WL_JOB" # with every variable in it
[ -s "$wl_release.part/services" ] || wl_fail "The Compose file runs no service: all have a profile, or are scaled to none. Fix: mend it in the environment's settings."

# Compose makes a container anew when its own definition changes, not when a mounted file does: so each service gets a label (pull.sh) that is another one
# whenever the files are. It is the release with which they came, so that it tells nothing of them.
same_files() { # as those that are in place
    cut -d ' ' -f 2- "$wl_state/placed" 2>/dev/null | cmp -s - "$wl_release.part/files.modes" || return 1
    while read -r _ path; do
        cmp -s "$wl_release.part/files/$path" "$wl_root/$path" || return 1
    done <"$wl_release.part/files.modes"
}
cut -d ' ' -f 2- "$wl_release.part/files.list" >"$wl_release.part/files.modes" || wl_write_failed "$wl_state" "Listing the secret files"
label=
if [ -s "$wl_release.part/files.modes" ]; then
    label=$WL_RELEASE_ID
    ! same_files || label=$(cat "$wl_state/files_label" 2>/dev/null || echo "$label")
fi
printf '%s\n' "$label" >"$wl_release.part/files_label" || wl_write_failed "$wl_state" "Writing down the secret files"
rm -f -- "$wl_release.part/files.modes"

rm -rf -- "$wl_release"
mv -T -- "$wl_release.part" "$wl_release" || wl_write_failed "$wl_state" "Putting the release's files in place"
sync -f "$wl_release" 2>/dev/null || sync
wl_result services "$(wc -l <"$wl_release/services" | tr -d ' ')"
wl_note "Compose $wl_compose_version reads the file: $(cut -f1 "$wl_release/services" | tr '\n' ' ')"
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600)."
