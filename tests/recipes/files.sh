#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2059,SC2154 # $ in single quotes is for the shell on the target
# Secret files: the steps of recipes/release and recipes/compose that put them in place and take them back, under dash and busybox. Docker is a fake: what the
# engines make of the files is shown by tests/scenarios/files.mjs. Each claim is a line of TAP.
set -u
scratch=$(mktemp -d)
trap 'umount "$scratch"/full-* 2>/dev/null; rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"

# Every byte, NUL and line breaks among them; no line break at the end.
i=0
while [ "$i" -lt 256 ]; do
    printf "\\$(printf %03o "$i")"
    i=$((i + 1))
done >"$scratch/bytes"
echo one >"$scratch/one"
echo two >"$scratch/two"
echo hand >"$scratch/hand"
: >"$scratch/empty"
head -c 1048576 /dev/urandom >"$scratch/large"

# --- the two recipes, for the claims that hold for both ----------------------------------------------------------------------------
# A file is given as path:mode:name, its bytes are in $scratch/name. `sum` is what the worker says of every one, instead of the truth.
give() { # step, file ...
    step=$1
    shift
    count=0
    for one in "$@"; do
        count=$((count + 1))
        rest=${one#*:}
        bytes=$scratch/${rest#*:}
        assign "WL_FILE_${count}_PATH=${one%%:*}" "WL_FILE_${count}_MODE=${rest%%:*}" "WL_FILE_${count}_BASE64=$(base64 -w 0 <"$bytes")" \
            "WL_FILE_${count}_SHA256=${sum:-$(sha256sum <"$bytes" | cut -d ' ' -f 1)}"
    done >"$scratch/more"
    assign WL_FILES="$count" >>"$scratch/more"
    more_input=$scratch/more
    step "$step" WL_ENV_FILE='A="1"
'
    status=$?
    more_input=
    return "$status"
}

step() { # script, NAME=value ...
    script=$1
    shift
    run_step "$script" WL_SET_START_COMMAND=./run WL_SET_PROJECT=shop WL_SET_PULL=missing WL_SET_COMPOSE='services:
  web:
    image: "shop:1"
' "$@"
}

begin() { # job, release number: the steps before the files
    job=$1 lock_job=$1 release=r$2 number=$2 version=$2.0.0
    if [ "$recipe" = release ]; then
        check "the release is unpacked" step unpack
    fi
}

write_files() { # file ...: the step that asks for secrets
    if [ "$recipe" = release ]; then give env "$@"; else give write "$@"; fi
}

switch() {
    if [ "$recipe" = compose ]; then
        check "images are noted" step pull
    fi
    step switch
}

deploys() { # job, number, file ...: to the end of the switch
    begin "$1" "$2"
    shift 2
    check "the files are written" write_files "$@"
    check "they are switched to" switch
}

has() { # path below the files' folder, mode, name of the bytes
    cmp -s "$scratch/$3" "$files/$1" && [ "$(stat -c %a "$files/$1")" = "$2" ] && [ -f "$files/$1" ] && [ ! -L "$files/$1" ]
}

no_rests() { # nothing of the work is left beside the files
    [ -z "$(find "$files" -name '.wl-*' -o -name '.files.next-*' | head -n 1)" ]
}

no_files_written() { # of this job: the waiting ones are gone, whole or half
    [ ! -e "$root/shared/.files.next-$job" ] && [ ! -e "$root/.windlass/releases/$release.part/files" ] && [ ! -e "$root/.windlass/releases/$release/files" ]
}

fake_docker() {
    mkdir -p "$scratch/fakes"
    cat >"$scratch/fakes/docker" <<'FAKE'
#!/bin/sh
# Reads the file as Compose would print it; what it sees of keys/a at that time goes to $HOME/seen.
case $* in
*'compose version'*) echo 2.26.1 ;;
version*) echo 20.10.24 ;;
*' config'*)
    while [ $# -gt 0 ]; do
        case $1 in
        -f) cat "$2" ;;
        --project-directory) cat "$2/keys/a" >"$HOME/seen" 2>/dev/null; ls "$2/keys" >"$HOME/seen.names" 2>/dev/null ;;
        esac
        shift
    done
    ;;
*' up '*) echo up >>"$HOME/ups"; [ ! -e "$HOME/up-fails" ] ;;
'image inspect --format {{.Id}}'*) echo sha256:abc ;;
ps*) [ ! -e "$HOME/ups" ] || echo c1 ;;
*'inspect --type container'*) echo 'web|/shop|running|none|0|0|false|now|sha256:abc|no|shop:1|0||c1' ;;
esac
FAKE
    chmod 755 "$scratch/fakes/docker"
}

both_claims() {
    HOME=$scratch/home-$shell_name/$recipe
    root=$HOME/apps/shop
    port=$(free_port)
    mkdir -p "$HOME" "$scratch/lock" "$root/.windlass" "$scratch/app/conf"
    sum=
    if [ "$recipe" = release ]; then
        files=$root/shared
        mkdir -p "$root/shared"
        echo mine >"$scratch/app/conf/own"
        tar -C "$scratch/app" -czf "$scratch/artefact" .
        sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
    else
        files=$root
        sha256=none
        fake_docker
    fi

    claim "$recipe: files arrive byte for byte with their modes, and not before the switch"
    begin job1 1
    check "they are written" write_files keys/a:0600:bytes keys/deep/er/b:0444:one c:0400:empty big.bin:0640:large
    check_not "nothing is in place yet" test -e "$files/keys/a" -o -e "$files/c"
    check "they are switched to" switch
    check "all 256 bytes" has keys/a 600 bytes
    check "in a deeper folder" has keys/deep/er/b 444 one
    check "an empty one" has c 400 empty
    check "one of 1 MiB" has big.bin 640 large
    check "their folder is the account's alone" test "$(stat -c %a "$files/keys")$(stat -c %a "$files/keys/deep/er")" = 700700
    check "nothing else is left" no_rests
    check_not "the log has none of the bytes" says "$(base64 -w 0 <"$scratch/bytes" | cut -c1-40)"
    check "a second time" step switch
    check "they are still there" has keys/a 600 bytes

    claim "$recipe: a release with other files replaces, adds and removes"
    deploys job2 2 keys/a:0444:two new/d:0600:one
    check "replaced, with its new mode" has keys/a 444 two
    check "added" has new/d 600 one
    check_not "removed" test -e "$files/c" -o -e "$files/big.bin" -o -e "$files/keys/deep/er/b"
    check_not "with the folders that were made for it" test -e "$files/keys/deep"

    claim "$recipe: going back restores bytes, modes and what was removed"
    check "switch back" step switch_back
    check "the replaced one" has keys/a 600 bytes
    check "the removed ones" has keys/deep/er/b 444 one
    check "and" has c 400 empty
    check "and the large one" has big.bin 640 large
    check_not "the added one is gone, and its folder" test -e "$files/new"
    check "a second time" step switch_back
    check "still" has keys/a 600 bytes
    check "nothing else is left" no_rests

    claim "$recipe: the next release knows again which files are ours"
    deploys job3 3 keys/a:0600:bytes
    check_not "the others are removed" test -e "$files/c" -o -e "$files/big.bin" -o -e "$files/keys/deep"
    check "the one stays" has keys/a 600 bytes

    claim "$recipe: a file that somebody had put there is kept for the way back"
    mkdir -p "$files/mine"
    cp "$scratch/hand" "$files/mine/hand"
    cp "$scratch/hand" "$files/mine/other"
    chmod 640 "$files/mine/hand"
    deploys job4 4 mine/hand:0600:one
    check "ours is there" has mine/hand 600 one
    check "it is said" says "mine/hand was there already, not from Windlass"
    check "switch back" step switch_back
    check "theirs is back" has mine/hand 640 hand
    deploys job5 5
    check "a file that was never ours stays" has mine/hand 640 hand
    check "and what lies beside it" test -f "$files/mine/other"
    check_not "ours of before is gone" test -e "$files/keys"

    claim "$recipe: a symbolic link in the way is refused before anything is switched"
    mkdir -p "$HOME/outside"
    cp "$scratch/hand" "$HOME/outside/a"
    ln -s "$HOME/outside" "$files/keys"
    begin job6 6
    check_not "a folder" write_files keys/a:0600:one
    check "it is told" cause_has "keys/a .*keys is a symbolic link.*Fix: remove the link"
    check "nothing is half-written" no_files_written
    rm "$files/keys"
    mkdir "$files/keys"
    ln -s "$HOME/outside/a" "$files/keys/a"
    check_not "the file itself" write_files keys/a:0600:one
    check "it is told" cause_has "keys/a .*there is a symbolic link of that name.*Fix: "
    rm "$files/keys/a"

    claim "$recipe: a link that comes between writing and switching is refused as well"
    check "they are written" write_files keys/a:0600:one
    rmdir "$files/keys"
    ln -s "$HOME/outside" "$files/keys"
    check_not "the switch fails" switch
    check "it is told" cause_has "keys/a .*is a symbolic link"
    check "nothing was written through it" cmp -s "$scratch/hand" "$HOME/outside/a"
    check "going back works" step switch_back
    check "nor was anything removed" cmp -s "$scratch/hand" "$HOME/outside/a"
    rm "$files/keys"

    claim "$recipe: what is ours is not removed through a link that somebody put in its way"
    deploys job7 7 keys/a:0600:one
    mv "$files/keys" "$HOME/moved"
    ln -s "$HOME/outside" "$files/keys"
    deploys job8 8
    check "the other side of the link is untouched" cmp -s "$scratch/hand" "$HOME/outside/a"
    check "the link stays" test -L "$files/keys"
    rm "$files/keys"

    claim "$recipe: a folder or a file in the way is told with the fix"
    mkdir -p "$files/keys/a"
    begin job9 9
    check_not "a folder where the file goes" write_files keys/a:0600:one
    check "it is told" cause_has "keys/a .*a folder of that name.*Fix: rmdir $files/keys/a"
    rmdir "$files/keys/a" "$files/keys"
    echo x >"$files/keys"
    check_not "a file where a folder goes" write_files keys/a:0600:one
    check "it is told" cause_has "keys/a .*keys is a file, where a folder is needed.*Fix: "
    rm "$files/keys"
    check_not "a path that leads out" write_files ../a:0600:one
    check "it is told" cause_has "no path below the app's folder"
    check_not "nothing was written there" test -e "$files/../a"

    claim "$recipe: bytes that are not those that were saved are refused, by the file's name"
    sum=0000 && check_not "it fails" write_files keys/a:0600:one keys/b:0600:two
    sum=
    check "the path is told" cause_has "keys/a did not arrive as it was saved.*Fix: "
    check "nothing is half-written" no_files_written

    claim "$recipe: a server without base64 is told so, or does it with openssl"
    mkdir -p "$scratch/few" && rm -f "$scratch/few"/*
    for tool in cat sh dash tr id mkdir rm mv cp ln chmod cut grep sed awk sort df du sync dirname basename readlink wc head sha256sum fold env printf date cmp sleep stat tar gzip od find ls; do
        tool_at=$(command -v "$tool") && case $tool_at in /*) ln -s "$tool_at" "$scratch/few/$tool" ;; esac
    done
    if [ "$shell_name" = dash ]; then # busybox' shell has it in itself
        [ ! -e "$scratch/fakes/docker" ] || ln -s "$scratch/fakes/docker" "$scratch/few/docker"
        only_few=yes
        check_not "it fails" write_files keys/a:0600:one
        check "the fix is told" cause_has "no base64.*Fix: apt-get install coreutils"
        ln -s "$(command -v openssl)" "$scratch/few/openssl"
        check "with openssl it succeeds" write_files keys/a:0600:bytes big:0600:large
        only_few=
        check "and switches" switch
        check "byte for byte" has keys/a 600 bytes
        check "the large one" has big 600 large
        check "back" step switch_back
    fi
    end_claim
}

release_claims() {
    claim "release: the app finds its files in its own folder, unless the tarball has something there"
    deploys job20 20 keys/a:0600:one conf/own:0600:two conf/new:0600:two
    check "through a link" cmp -s "$scratch/one" "$root/current/keys/a"
    check "which leads to shared/" test "$(readlink "$root/releases/r20/keys/a")" = ../../../shared/keys/a
    check "beside files of the tarball" cmp -s "$scratch/two" "$root/current/conf/new"
    check "the tarball's own stays" grep -qx mine "$root/current/conf/own"
    check "the secret one is in shared/" has conf/own 600 two

    claim "release: the migrate command sees the new files, the old release its own"
    begin job21 21
    check "they are written" write_files keys/a:0600:two
    check "it runs" step migrate WL_SET_MIGRATE_COMMAND='echo "sees $(cat keys/a)"'
    check "with the new file" says "sees two"
    check "the old one is as it was" cmp -s "$scratch/one" "$root/current/keys/a"
    check "switch" switch
    check "now it is the new one" cmp -s "$scratch/two" "$root/current/keys/a"
    check "switch back" step switch_back
    check "the old release has the old file" cmp -s "$scratch/one" "$root/current/keys/a"
    check "tidying up leaves the files" step prune
    check "as they are" cmp -s "$scratch/one" "$root/current/keys/a"
    check_not "and nothing that was kept" test -n "$(find "$root/.windlass" -path '*kept*' | head -n 1)"

    claim "release: a path that Windlass itself uses in shared/ is refused"
    begin job22 22
    check_not "the log's folder" write_files log/app.log:0600:one
    check "it is told" cause_has "log/app.log .*Windlass itself writes there.*Fix: "
}

compose_claims() {
    claim "compose: the check of the Compose file sees the new files beside the old ones"
    mkdir -p "$root/keys"
    echo x >"$root/keys/beside"
    begin job30 30
    check "it succeeds" write_files keys/a:0600:one
    check "the new file was seen" cmp -s "$scratch/one" "$HOME/seen"
    check "with what lies beside it" grep -qx beside "$HOME/seen.names"
    check "switch" switch

    claim "compose: services start anew when the files differ, and only then"
    pins=$root/docker-compose.override.yml
    check "they have a label" grep -qx '      windlass.files: "r30"' "$pins"
    deploys job31 31 keys/a:0600:one
    check "the same files: the same label" grep -qx '      windlass.files: "r30"' "$pins"
    deploys job32 32 keys/a:0600:two
    check "other bytes" grep -qx '      windlass.files: "r32"' "$pins"
    check "switch back" step switch_back
    check "the old label" grep -qx '      windlass.files: "r30"' "$pins"
    deploys job33 33 keys/a:0640:one
    check "another mode" grep -qx '      windlass.files: "r33"' "$pins"
    deploys job34 34
    check_not "without files there is no label" grep -q windlass.files "$pins"

    claim "compose: a failed up leaves the files for switch_back, which restores them"
    deploys job35 35 keys/a:0600:one
    begin job36 36
    check "written" write_files keys/a:0600:two
    : >"$HOME/up-fails"
    check_not "the switch fails" switch
    rm "$HOME/up-fails"
    check "switch back" step switch_back
    check "the old file" has keys/a 600 one
}

full_disk_claims() { # a home of few kilobytes
    claim "$recipe: a full disk is told by the file's path, and nothing is half-written"
    HOME=$scratch/full-$shell_name-$recipe
    mkdir -p "$HOME"
    if ! mount -t tmpfs -o size=600k,nr_inodes=400 full "$HOME" 2>/dev/null; then
        tap_count=$((tap_count + 1))
        echo "ok $tap_count - $claim_name # SKIP this account may not mount"
        claim_name=
        return
    fi
    root=$HOME/apps/shop
    job=job9 lock_job=job9 release=r9 number=9 version=9
    mkdir -p "$root/shared" "$root/.windlass/releases" "$root/releases/r9"
    check_not "it fails" write_files keys/small:0600:one keys/large:0600:large
    check "path, cause and fix" cause_has "keys/large failed: the disk of .* is full. Fix: free space"
    check "nothing is half-written" no_files_written
    mount -o remount,ro "$HOME"
    check_not "nor on a disk that cannot be written" write_files keys/small:0600:one
    check "it is told" cause_has "Fix: "
    umount "$HOME"
    end_claim
}

for one_shell in dash busybox; do
    choose_shell "$one_shell"
    for recipe in release compose; do
        both_claims
        "${recipe}_claims"
        full_disk_claims
        choose_shell "$one_shell"
    done
done
finish
