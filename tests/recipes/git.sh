#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # $ in single quotes is for the shell on the target
# The scripts of recipes/git where they fetch, find a commit, refuse and tidy up, under dash and busybox; git is a real one, over http with a token (lib/git_http.mjs). Docker is a stand-in
# that knows nothing: what a real one makes of the scripts is shown by tests/scenarios/guide_004.mjs, which fetches over ssh. Each claim is a line of TAP.
set -u
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; umount "$scratch/small" 2>/dev/null; rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"
recipe=git
token="to'ken \$x%20"
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# --- a repository, and who serves it --------------------------------------------------------------------------------------------
work() {
    git -C "$scratch/clone" -c user.name=Ann -c user.email=ann@shop.example "$@"
}
commit() { # text of the file: prints the hash
    printf '%s\n' "$1" >"$scratch/clone/VERSION"
    { work add -A && work commit -q --allow-empty -m "Version $1" && work push -q --force "$scratch/repos/shop.git" HEAD:main; } >&2 || exit 1
    work rev-parse HEAD
}
begin() {
    mkdir -p "$scratch/repos" "$scratch/fakes" "$scratch/lock"
    git init -q --bare -b main "$scratch/repos/shop.git"
    git init -q -b main "$scratch/clone"
    printf 'services:\n  web:\n    build: .\n' >"$scratch/clone/docker-compose.yml"
    node "$top/tests/recipes/lib/git_http.mjs" "$scratch/repos" git "$token" "$scratch/port" &
    server=$!
    printf '#!/bin/sh\ncase "$1 $2" in "image inspect") exit 1 ;; "version --format") echo 26 ;; "compose version") echo 2.26.1 ;; esac\ncase "$*" in *" config") printf "services:\\n  web:\\n    build:\\n      context: .\\n" ;; esac\n' >"$scratch/fakes/docker"
    chmod 755 "$scratch/fakes/docker"
    tries=0
    until [ -s "$scratch/port" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "Bail out! the git server does not start" && exit 1; }
        sleep 0.1
    done
    url=http://127.0.0.1:$(cat "$scratch/port")/shop.git
}
next() { # number of the release
    number=$1 release=r$1 job=job$1 lock_job=job$1
}
checkout() { # version, NAME=value ...
    version=$1
    shift
    mkdir -p "$HOME/apps/shop/.windlass/releases" "$HOME/apps/shop/releases"
    run_step checkout WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_GIT_LOGIN=git WL_GIT_SECRET="$token" WL_SET_SUBMODULES=no "$@"
}
tree() { # file of the release's checkout
    cat "$HOME/apps/shop/releases/$release/$1" 2>/dev/null
}
is() { # what, is to be
    [ "$1" = "$2" ] || { echo "# it is: $1" && return 1; }
}
nothing_left() {
    ! [ -e "$scratch/git" ] && ! grep -rqF -e "$token" "$HOME/apps" "$results"
}

play() {
    choose_shell "$1"
    sha256='' port=''
    first=$(commit 1)
    next 1

    claim "a branch is the commit that it leads to now, checked out whole into the release's own folder"
    check "it succeeds" checkout main
    check "the file" is "$(tree VERSION)" 1
    check "the result" grep -qx "commit=$first" "$results"
    check "HEAD" is "$(git -C "$HOME/apps/shop/releases/r1" rev-parse HEAD)" "$first"

    claim "the token is in no file, no configuration and no address"
    check "nothing is left" nothing_left
    check "the address is the one of the settings" is "$(git -C "$HOME/apps/shop/releases/r1" config remote.origin.url)" "$url"

    claim "a tag, a whole hash and the beginning of one lead to their commit"
    work tag -f v1 >/dev/null && work push -q --force "$scratch/repos/shop.git" v1 2>/dev/null
    second=$(commit 2)
    for word in v1 "$first" "$(echo "$first" | cut -c1-8)"; do
        check "$word" checkout "$word"
        check "the file of $word" is "$(tree VERSION)" 1
    done

    claim "a commit that is given is taken, whatever the branch has become: on a further server, in a rollback"
    check "it succeeds" checkout main WL_COMMIT="$first"
    check "the commit" grep -qx "commit=$first" "$results"
    check "the file" is "$(tree VERSION)" 1
    check "the branch is another one" test "$first" != "$second"

    claim "a commit that is on the server needs no git server"
    check "it succeeds" checkout main WL_COMMIT="$first" WL_SET_REPOSITORY=http://127.0.0.1:9/gone.git
    check "the file" is "$(tree VERSION)" 1

    claim "a branch that was pushed anew by force is what it is now; what a release has keeps its commit"
    work reset -q --hard "$first"
    third=$(commit 3)
    next 2
    check "it succeeds" checkout main
    check "the file" is "$(tree VERSION)" 3
    check "the old one" is "$(git -C "$HOME/apps/shop/.windlass/source.git" rev-parse refs/windlass/r1)" "$first"

    claim "a branch and a tag of one name are told, not guessed"
    work tag -f main "$first" >/dev/null && work push -q --force "$scratch/repos/shop.git" refs/tags/main 2>/dev/null
    check_not "it fails" checkout main
    check "the cause" cause_has 'main is a branch and a tag, of two commits'
    work push -q "$scratch/repos/shop.git" :refs/tags/main 2>/dev/null && work tag -d main >/dev/null

    claim "what is not there is told with what to do: a branch, a hash, a Compose file"
    check_not "a branch" checkout feature/none
    check "its cause" cause_has 'There is no branch, tag or commit feature/none in .* Fix: push it'
    check_not "a hash" checkout 0123456789012345678901234567890123456789
    check "its cause" cause_has 'There is no branch, tag or commit 0123456789'
    check_not "a Compose file" checkout main WL_SET_COMPOSE_FILE=deploy/prod.yml
    check "its cause" cause_has 'The commit has no deploy/prod.yml.*there is: docker-compose.yml'
    check_not "nothing half is left" test -e "$HOME/apps/shop/releases/r2.part"

    claim "a token that is refused, and an address that leads nowhere or to nothing"
    check_not "a wrong token" checkout main WL_GIT_SECRET=wrong
    check "its cause" cause_has 'refuses the token. Fix: enter it again'
    check_not "no token" checkout main WL_GIT_SECRET=
    check "its cause" cause_has 'refuses the token'
    check_not "no repository" checkout main WL_SET_REPOSITORY="${url%shop.git}other.git"
    check "its cause" cause_has 'There is no repository at .*/other.git'
    check_not "nobody there" checkout main WL_SET_REPOSITORY=http://127.0.0.1:9/shop.git
    check "its cause" cause_has 'does not answer: .* Fix: check the repository'

    claim "the token goes to the repository's own server alone, also when that leads elsewhere"
    check_not "it fails" checkout main WL_SET_REPOSITORY="${url%/shop.git}/moved/shop.git"
    check_not "nobody else saw it" test -e "$scratch/port.leaked"

    claim "what was cut off midway is done again from the beginning"
    mkdir -p "$HOME/apps/shop/releases/r2.part/.git" && : >"$HOME/apps/shop/.windlass/source.git/packed-refs.lock"
    check "it succeeds" checkout main
    check "the file" is "$(tree VERSION)" 3

    claim "submodules are fetched when the settings say so, and named when they do not"
    git init -q --bare -b main "$scratch/repos/part.git" 2>/dev/null
    work push -q "$scratch/repos/part.git" HEAD:main 2>/dev/null
    printf '[submodule "part"]\n\tpath = part\n\turl = ../part.git\n' >"$scratch/clone/.gitmodules"
    work update-index --add --cacheinfo "160000,$(work rev-parse HEAD),part"
    printf '4\n' >"$scratch/clone/VERSION"
    { work add VERSION .gitmodules && work commit -q -m part && work push -q --force "$scratch/repos/shop.git" HEAD:main; } 2>/dev/null
    check "without" checkout main
    check "it is said" says 'has submodules, which are not fetched'
    check "with" checkout main WL_SET_SUBMODULES=yes
    check "its file" is "$(tree part/VERSION)" 3
    check "nothing is left" nothing_left
    work rm -q --cached part && rm -f "$scratch/clone/.gitmodules"

    claim "variables and secret files lie in the checkout, are no change of somebody's, and no build takes them in"
    next 3
    mkdir -p "$scratch/clone/deploy" && printf 'services: {}\n' >"$scratch/clone/deploy/prod.yml" && printf 'old\n' >"$scratch/clone/deploy/.env"
    printf '!.env\n' >"$scratch/clone/.dockerignore" && ln -s "$scratch/elsewhere" "$scratch/clone/deploy/.dockerignore" && echo untouched >"$scratch/elsewhere"
    commit 5 >/dev/null
    check "checked out" checkout main WL_SET_COMPOSE_FILE=deploy/prod.yml
    check "written" run_step write WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_COMPOSE_FILE=deploy/prod.yml 'WL_ENV_FILE=A="1"
' WL_FILES=1 WL_FILE_1_PATH=keys/jwt.pem WL_FILE_1_MODE=0600 WL_FILE_1_BASE64="$(printf key | base64)" WL_FILE_1_SHA256="$(printf key | sha256sum | cut -d ' ' -f 1)"
    check "the variables" is "$(tree deploy/.env)" 'A="1"'
    check "the file" is "$(tree deploy/keys/jwt.pem)" key
    check "their modes" is "$(cd "$HOME/apps/shop/releases/r3/deploy" && stat -c %a .env keys/jwt.pem | tr '\n' ' ')" "600 600 "
    check "git sees no change" is "$(git -C "$HOME/apps/shop/releases/r3" status --porcelain)" ""
    check "not for a build from the top" is "$(tree .dockerignore | grep '^/' | tr '\n' ' ')" "/deploy/.env /deploy/keys/jwt.pem "
    check "nor from the folder" is "$(tree deploy/.dockerignore | grep '^/' | tr '\n' ' ')" "/.env /keys/jwt.pem "
    check "nothing was written through a link" is "$(cat "$scratch/elsewhere")" untouched
    check "it is said" says "The repository has its own deploy/.env"
    rm -rf "$scratch/clone/deploy" "$scratch/clone/.dockerignore"

    claim "little memory: a warning, and a refusal where the settings demand it"
    printf 'MemAvailable: 512000 kB\nSwapFree: 512000 kB\n' >"$scratch/meminfo"
    WL_MEMINFO=$scratch/meminfo && export WL_MEMINFO
    check "enough" run_step prepare WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_BUILD_MEMORY=900 WL_SET_BUILD_MEMORY_MIN=0
    check_not "no warning" says WARNING
    check "a warning" run_step prepare WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_BUILD_MEMORY=2048 WL_SET_BUILD_MEMORY_MIN=900
    check "it is said" says 'WARNING: the build may run out of memory: 1000 MB are free'
    check_not "a refusal" run_step prepare WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_BUILD_MEMORY=2048 WL_SET_BUILD_MEMORY_MIN=1001
    check "its cause" cause_has 'Too little memory to build: 1000 MB are free'
    unset WL_MEMINFO

    claim "a folder of somebody's in the way of the link is not touched"
    mkdir -p "$HOME/apps/shop/current" && echo mine >"$HOME/apps/shop/current/file"
    check_not "it fails" run_step prepare WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url"
    check "the cause" cause_has 'current is there and is no link of ours'
    check "it is there" is "$(cat "$HOME/apps/shop/current/file")" mine
    rm -rf "$HOME/apps/shop/current"

    claim "a server without git"
    mkdir -p "$scratch/few"
    for tool in sh dash cat awk sed df sort cut mkdir chmod id date grep head wc tr mv rm dirname printf setsid sync timeout env mawk tail uname; do
        ln -sf "$(command -v "$tool")" "$scratch/few/$tool" 2>/dev/null
    done
    ln -sf "$scratch/fakes/docker" "$scratch/few/docker"
    only_few=yes
    check_not "it fails" run_step prepare WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url"
    check "the cause" cause_has 'git is not installed here. Fix: sudo apt-get install -y git'
    only_few=

    claim "old checkouts go with their images; one in which somebody has changed something stays"
    root=$HOME/apps/shop
    rm -rf "$root"
    for n in 1 2 3 4; do
        next "$n"
        checkout main || check "checkout $n" false
        mkdir -p "$root/.windlass/releases/r$n"
        printf 'release=%s\n' "$n" >"$root/.windlass/releases/r$n/about"
    done
    echo changed >>"$root/releases/r1/VERSION"
    check "it succeeds" run_step prune WL_SET_PROJECT=shop WL_SET_REPOSITORY="$url" WL_SET_KEEP=1 WL_GOOD=r4
    check "r1 stays, with the change" grep -qx changed "$root/releases/r1/VERSION"
    check "it is said" says 'somebody has changed VERSION in'
    check_not "r2 is gone" test -e "$root/releases/r2"
    check "r4 stays" test -e "$root/releases/r4/VERSION"

    claim "a full disk is told in words, and nothing half is left"
    if [ "$(id -u)" -eq 0 ] && mkdir -p "$scratch/small" && mount -t tmpfs -o size=1m none "$scratch/small" 2>/dev/null; then
        next 9
        mkdir -p "$scratch/small/.windlass/releases" "$scratch/small/releases"
        head -c 3000000 /dev/urandom >"$scratch/clone/ballast"
        commit 9 >/dev/null
        check_not "it fails" checkout main WL_SET_DEPLOY_DIR="$scratch/small"
        check "the cause" cause_has 'the disk of .* is full. Fix: free space'
        check_not "no checkout" test -e "$scratch/small/releases/r9"
        umount "$scratch/small"
        rm -f "$scratch/clone/ballast"
    fi
    end_claim
    rm -rf "$HOME/apps" "$scratch/repos/part.git"
    work reset -q --hard "$first"
}

begin
play dash
play busybox
finish
