# write.sh - .env (0600) and the secret files are laid into the release's checkout, where Compose reads them, and Compose is asked whether it can read its file. What serves keeps its own.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
[ -f "$wl_tree_home/$wl_compose_file" ] || wl_fail "The release's checkout is gone: $wl_tree. Fix: deploy again."
part=$wl_release.part
rm -rf -- "$part"
mkdir -p -- "$part" || wl_write_failed "$wl_state" "Making the release's folder"

ours() { # path in the checkout: git shall not call it a change of somebody's
    path=$1
    grep -qFx -e "/$path" "$wl_tree/.git/info/exclude" 2>/dev/null || printf '/%s\n' "$path" >>"$wl_tree/.git/info/exclude" || wl_write_failed "$wl_root" "Writing down what is ours"
    if git -C "$wl_tree" ls-files --error-unmatch -- "$path" >/dev/null 2>&1; then
        git -C "$wl_tree" update-index --assume-unchanged -- "$path" >/dev/null 2>&1
        case $path in *.dockerignore) ;; *) wl_note "The repository has its own $path; the environment's is in its place." ;; esac
    fi
}
# No build takes them into an image by mistake: each folder on the way may be what is built from.
keep_from_builds() { # path below the folder of the Compose file
    path=${wl_below#/}${wl_below:+/}$1
    at=$wl_tree
    while :; do
        [ ! -L "$at/.dockerignore" ] || rm -f -- "$at/.dockerignore" # nothing is written through a link of the repository's
        grep -qFx -e "/$path" "$at/.dockerignore" 2>/dev/null || printf '\n# Written by Windlass: a secret of the environment.\n/%s\n' "$path" >>"$at/.dockerignore" || wl_write_failed "$wl_root" "Keeping secrets out of builds"
        case $path in */*) ;; *) break ;; esac
        at=$at/${path%%/*}
        path=${path#*/}
        if [ ! -d "$at" ] || [ -L "$at" ]; then break; fi
    done
}
put() { # file
    want=$(printf '%s' "${WL_ENV_FILE:-}" | wc -c)
    rm -f -- "$1"
    if ! printf '%s' "${WL_ENV_FILE:-}" >"$1" || [ "$(wc -c <"$1")" -ne "$want" ]; then
        rm -rf -- "$part" "$wl_tree_home/.env"
        wl_write_failed "$wl_root" "Writing .env"
    fi
}
put "$part/.env"
put "$wl_tree_home/.env"
ours "${wl_below#/}${wl_below:+/}.env"
keep_from_builds .env
wl_stage_files "$part/files" "$part/files.list" "$wl_tree_home"
while read -r number mode path; do
    (
        wl_file_enter "$wl_tree_home" "$path" /dev/null || exit 1
        mv -fT -- "$part/files/$path" "./${path##*/}" || wl_write_failed "$wl_tree" "Putting the secret file $path in place"
    ) || exit 1
    keep_from_builds "$path"
done <"$part/files.list"
while read -r number mode path; do
    ours "${wl_below#/}${wl_below:+/}$path"
done <"$part/files.list"
(cd -- "$wl_tree" && find . -name .git -prune -o -name .dockerignore -print) | sed 's,^\./,,' >"$part/ignored" || wl_write_failed "$wl_root" "Keeping secrets out of builds"
while IFS= read -r path; do
    ours "$path"
done <"$part/ignored"
rm -f -- "$part/ignored"
rm -rf -- "$part/files"
printf 'release=%s\nversion=%s\n' "$WL_RELEASE" "$WL_VERSION" >"$part/about" || wl_write_failed "$wl_root" "Writing the release's number"
sync -f "$wl_tree_home/.env" 2>/dev/null || sync

wl_read_services "$wl_tree_home" "$part"

live=$(cat "$wl_state/live" 2>/dev/null)
label=
if [ -s "$part/binds" ] || [ -s "$part/files.list" ]; then
    label=$WL_RELEASE_ID
    wl_mounted "$wl_tree_home" "$part" >"$part/mounted" || wl_write_failed "$wl_root" "Writing down what is mounted"
    [ -z "$live" ] || ! cmp -s "$part/mounted" "$wl_state/releases/$live/mounted" || label=$(cat "$wl_state/releases/$live/files_label" 2>/dev/null || echo "$label")
fi
printf '%s\n' "$label" >"$part/files_label" || wl_write_failed "$wl_state" "Writing down what is mounted"

rm -rf -- "$wl_release"
mv -T -- "$part" "$wl_release" || wl_write_failed "$wl_state" "Putting the release's files in place"
sync -f "$wl_release" 2>/dev/null || sync
wl_result services "$(wc -l <"$wl_release/services" | tr -d ' ')"
wl_note "Compose $wl_compose_version reads $wl_compose_file: $(cut -f1 "$wl_release/services" | tr '\n' ' ')"
wl_note "Variables of secret set ${WL_SECRET_SET:-} are ready (0600)."
