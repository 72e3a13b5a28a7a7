# checkout.sh - fetches, finds the commit that the branch, tag or hash means now, and checks it out into the release's own folder, whole or not at all. On a second server that of the first
# is taken, in a rollback that of the earlier release, whatever a branch has become since.
# Results: commit.
# shellcheck shell=sh disable=SC2154
wl_project_places
umask 077
trap wl_git_logout EXIT
wl_git_login

has_commit() { # hash: it is here, and is a commit
    wl_git -C "$wl_source" cat-file -e "$1^{commit}" 2>/dev/null
}
fetch() { # what of it ...
    wl_note "\$ git fetch $WL_SET_REPOSITORY"
    wl_text=$(wl_git -C "$wl_source" fetch --quiet --force "$WL_SET_REPOSITORY" "$@" 2>&1)
}
find_commit() { # name: prints what it means; nothing when there is none
    branch=$(wl_git -C "$wl_source" rev-parse -q --verify "refs/heads/$1^{commit}" 2>/dev/null)
    tag=$(wl_git -C "$wl_source" rev-parse -q --verify "refs/tags/$1^{commit}" 2>/dev/null)
    if [ -n "$branch" ] && [ -n "$tag" ] && [ "$branch" != "$tag" ]; then
        wl_fail "$1 is a branch and a tag, of two commits ($branch and $tag). Fix: deploy the commit's hash."
    fi
    case $branch$tag in ?*) echo "${branch:-$tag}" && return 0 ;; esac
    case $1 in
    *[!0-9a-f]* | ? | ?? | ??? | ????) ;;
    *) wl_git -C "$wl_source" rev-parse -q --verify "$1^{commit}" 2>/dev/null || : ;;
    esac
}

# --- fetch ---------------------------------------------------------------------------------------------------------------------
if [ ! -f "$wl_source/HEAD" ]; then
    rm -rf -- "$wl_source" "$wl_source.part"
    { git init --quiet --bare "$wl_source.part" && mv -T -- "$wl_source.part" "$wl_source"; } || wl_write_failed "$wl_state" "Making the folder for the source"
fi
rm -f -- "$wl_source"/*.lock "$wl_source"/shallow.lock # of a fetch that was cut off: this environment is ours alone while we hold its lock
find "$wl_source/refs" -name '*.lock' -exec rm -f -- {} + 2>/dev/null
if [ -n "${WL_COMMIT:-}" ] && has_commit "$WL_COMMIT"; then
    wl_note "$WL_COMMIT is on the server already."
else
    fetch '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' --prune || wl_git_failed "Fetching"
fi

# --- which commit ----------------------------------------------------------------------------------------------------------------
commit=${WL_COMMIT:-}
if [ -z "$commit" ]; then
    commit=$(find_commit "$WL_VERSION") || exit 1
    # A whole hash that no branch leads to: many servers give it when asked by name.
    case $WL_VERSION in
    *[!0-9a-f]*) ;;
    *) [ -n "$commit" ] || [ "${#WL_VERSION}" -lt 40 ] || ! fetch "$WL_VERSION" || commit=$(find_commit "$WL_VERSION") ;;
    esac
    [ -n "$commit" ] || wl_fail "There is no branch, tag or commit $WL_VERSION in $WL_SET_REPOSITORY. Fix: push it, or deploy one that is there."
fi
if ! has_commit "$commit"; then
    fetch "$commit" || wl_git_failed "Fetching the commit $commit"
    has_commit "$commit" || wl_fail "The commit $commit is not in $WL_SET_REPOSITORY any more. Fix: push it again, or deploy another one."
fi
# Whatever becomes of the branch, the release's commit stays on the server.
wl_git -C "$wl_source" update-ref "refs/windlass/$WL_RELEASE_ID" "$commit" || wl_write_failed "$wl_source" "Keeping the commit"

borrow() { # a checkout whose objects are those of source.git
    (GIT_ALLOW_PROTOCOL="file" && wl_git clone --quiet --shared --no-checkout "$wl_source" "$part") && wl_git -C "$part" config remote.origin.url "$WL_SET_REPOSITORY" &&
        wl_git -C "$part" checkout --quiet --force --detach "$commit"
}

# --- check out ------------------------------------------------------------------------------------------------------------------
part=$wl_tree.part
rm -rf -- "$part" "$wl_tree"
umask 022 # as by hand: what the build copies into an image is read there by other users
wl_text=$(borrow 2>&1) || {
    rm -rf -- "$part"
    wl_git_failed "Checking out $commit"
}
if [ "${WL_SET_SUBMODULES:-no}" = yes ]; then
    wl_text=$(wl_git -C "$part" submodule update --quiet --init --recursive 2>&1) || {
        rm -rf -- "$part"
        wl_git_failed "Fetching the submodules"
    }
elif [ -f "$part/.gitmodules" ]; then
    wl_note "The commit has submodules, which are not fetched: that is a box in the environment's settings."
fi
[ "$(wl_git -C "$part" rev-parse HEAD)" = "$commit" ] || wl_fail "What was checked out is not $commit. Fix: deploy again."

# --- its Compose file ----------------------------------------------------------------------------------------------------------
file=${WL_SET_COMPOSE_FILE:-}
for usual in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
    [ -n "$file" ] || [ ! -f "$part/$usual" ] || file=$usual
done
case $file in
/* | -*) rm -rf -- "$part" && wl_fail "The Compose file's path $file is not one of the repository. Fix: give it without a slash in front, in the environment's settings." ;;
esac
if [ -z "$file" ] || [ ! -f "$part/$file" ]; then
    found=$(cd -- "$part" && find . -name .git -prune -o -type f \( -name '*compose*.yml' -o -name '*compose*.yaml' \) -print | sed 's,^\./,,' | head -n 5 | tr '\n' ' ')
    rm -rf -- "$part"
    wl_fail "The commit has no ${file:-docker-compose.yml}. Fix: push it, or name the Compose file in the environment's settings${found:+; there is: $found}"
fi
printf '%s\n' "$file" >"$part/.git/windlass-compose" || wl_write_failed "$wl_root" "Writing down the Compose file"
sync -f "$part/.git/windlass-compose" 2>/dev/null || sync
mv -T -- "$part" "$wl_tree" || wl_write_failed "$wl_root/releases" "Putting the checkout in place"
wl_result commit "$commit"
wl_note "$WL_VERSION is the commit $commit: $(wl_git -C "$wl_tree" log -1 --format='%s (%an, %ad)' --date=short | cut -c1-200)"
