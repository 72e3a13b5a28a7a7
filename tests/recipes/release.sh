#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # $ in single quotes is for the shell on the target
# The scripts of recipes/release, one by one, under dash and busybox: no SSH, no dashboard. Each claim is a line of TAP.
set -u
scratch=$(mktemp -d)
trap 'in_shell sh -c "cd /" >/dev/null; stop_all; rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"

stop_all() { # apps that a claim has left running
    for file in "$scratch"/home-*/apps/shop/.windlass/keeper "$scratch"/home-*/apps/shop/.windlass/app; do
        [ -f "$file" ] || continue
        pid=$(sed -n 's/^pid=//p' "$file")
        [ -z "$pid" ] || kill -KILL "-$pid" 2>/dev/null
    done
}

pack() { # folder: becomes the artefact
    tar -C "$1" -czf "$scratch/artefact" .
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
}

pack_with() { # tar arguments: the artefact, from $scratch/src
    (cd "$scratch/src" && tar -czf "$scratch/artefact" "$@" 2>/dev/null)
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
}

refused() { # what the cause must have; nothing may be left of the release
    check_not "it is refused" run_step unpack
    check "the cause is told: $1" cause_has "$1"
    check_not "no release is left" test -e "$root/releases/$release"
    check_not "nothing was written outside" test -e "$scratch/escaped"
}

all_claims() {
    root=$HOME/apps/shop
    job=job1 lock_job=job1 release=r1 number=1 version=1.0.0 sha256=none
    port=$(free_port)
    mkdir -p "$scratch/lock" "$scratch/src"
    echo x >"$scratch/artefact"

    claim "prepare makes the folders and says what is live"
    check "it succeeds" run_step prepare WL_SET_START_COMMAND="./run"
    check "releases is there" test -d "$root/releases"
    check "it says that nothing is live" says "Live now: nothing"

    claim "prepare refuses what could not be started"
    check_not "it fails" run_step prepare
    check "the cause is told" cause_has "no start command and no systemd unit"

    claim "prepare refuses a disk that is too small"
    check_not "it fails" run_step prepare WL_SET_START_COMMAND=./run WL_ARTEFACT_SIZE=9000000000000000
    check "the cause is told" cause_has "is full: .* are needed"

    claim "a tarball is unpacked once, with its modes"
    mkdir -p "$scratch/good/bin" "$scratch/good/a folder"
    printf '#!/bin/sh\necho "$GREETING on $PORT"\nexec sleep 1000\n' >"$scratch/good/run"
    chmod 755 "$scratch/good/run"
    echo data >"$scratch/good/a folder/it's \$(here)"
    ln -sf ../run "$scratch/good/bin/link"
    cp "$scratch/good/run" "$scratch/good/suid" && chmod 6755 "$scratch/good/suid"
    pack "$scratch/good"
    check "it succeeds" run_step unpack
    check "the file is there" test -f "$root/releases/r1/a folder/it's \$(here)"
    check "the program is executable" test -x "$root/releases/r1/run"
    check "the link leads inside" test -f "$root/releases/r1/bin/link"
    check_not "the setuid bit is gone" test -u "$root/releases/r1/suid"
    check "what it is is written down" grep -qx "version=1.0.0" "$root/releases/r1/.windlass-release"
    check "a second time nothing is done" run_step unpack
    check "and it says so" says "Already unpacked"

    claim "a damaged tarball is refused and removed"
    release=r2 number=2
    pack "$scratch/good"
    printf 'X' | dd of="$scratch/artefact" bs=1 seek=100 conv=notrunc 2>/dev/null
    refused "arrived damaged"
    check_not "the tarball is gone" test -e "$scratch/artefact"

    claim "a cut tarball is refused"
    pack "$scratch/good"
    head -c 200 "$scratch/artefact" >"$scratch/cut" && mv "$scratch/cut" "$scratch/artefact"
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
    check_not "it is refused" run_step unpack
    check "the cause is told" cause_has "tarball"

    claim "what is no tarball is refused"
    echo "hello, this is text" >"$scratch/artefact"
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
    refused "not a tarball\|empty"

    claim "an absolute name is refused"
    echo evil >"$scratch/src/plain"
    pack_with -P --transform "s,^,$scratch/escaped/," plain
    refused "absolute"

    claim "a name that climbs out is refused"
    pack_with -P --transform 's,^,a/../../../../escaped/,' plain
    refused "climbs out"
    rm -rf "$root/releases/r2"

    claim "a symbolic link that leads out is refused"
    ln -sfn /etc "$scratch/src/out"
    pack_with out
    refused "leads to /etc"
    ln -sfn a/../../x "$scratch/src/out"
    pack_with out
    refused "outside the release"

    claim "a file below a symbolic link is refused"
    mkdir -p "$scratch/src/real"
    ln -sfn real "$scratch/src/linked"
    (cd "$scratch/src" && tar -cf "$scratch/two.tar" linked && tar -rf "$scratch/two.tar" --transform 's,^plain,linked/plain,' plain && gzip -c "$scratch/two.tar" >"$scratch/artefact")
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
    refused "below the symbolic link"

    claim "a hard link and a pipe are refused"
    ln -f "$scratch/src/plain" "$scratch/src/hard"
    pack_with plain hard
    refused "hard"
    rm -f "$scratch/src/hard" "$scratch/src/pipe"
    mkfifo "$scratch/src/pipe"
    pack_with pipe
    refused "neither a file"
    rm -f "$scratch/src/pipe"

    claim "a name with a line break is refused"
    newline=$(printf 'a\nb.')
    echo x >"$scratch/src/$newline"
    pack_with -- "$newline"
    if [ "$shell_name" = dash ]; then # GNU tar lists it as one line, and such a file does no harm
        check "GNU tar: it is unpacked" run_step unpack
        rm -rf "$root/releases/r2"
    else
        refused "line break\|neither a file"
    fi
    rm -f "$scratch/src/$newline"

    claim "the top folder can be left out"
    mkdir -p "$scratch/wrapped/shop-1.0"
    cp "$scratch/good/run" "$scratch/wrapped/shop-1.0/run"
    (cd "$scratch/wrapped" && tar -czf "$scratch/artefact" shop-1.0)
    sha256=$(sha256sum <"$scratch/artefact" | cut -d ' ' -f 1)
    check "it succeeds" run_step unpack WL_SET_STRIP_TOP=yes
    check "the program is at the top" test -x "$root/releases/r2/run"
    rm -rf "$root/releases/r2"

    claim "the variables are written 0600 and exactly"
    release=r1 number=1
    value="GREETING=\"It's \\\$HOME \\\"x\\\" \\\`id\\\`\"
EMPTY=\"\"
"
    check "it succeeds" run_step env WL_ENV_FILE="$value"
    printf '%s' "$value" >"$scratch/want"
    check "the bytes are the same" cmp -s "$scratch/want" "$root/shared/.env.next-job1"
    check "the mode is 0600" test "$(stat -c %a "$root/shared/.env.next-job1")" = 600
    check_not "the live ones are not touched yet" test -e "$root/shared/.env"

    claim "a failing migration says its status"
    check_not "it fails" run_step migrate WL_SET_MIGRATE_COMMAND='echo "greeting $GREETING"; exit 9'
    check "the status is told" cause_has "status 9"
    check "it had the variables" says "greeting It's \$HOME \"x\" \`id\`"

    claim "the switch needs the lock"
    lock_job=other
    check_not "it fails" run_step switch
    check "the holder is told" cause_has "belongs to job other"
    check_not "current is not made" test -e "$root/current"
    lock_job=job1

    claim "the switch puts link and variables in place, also when repeated"
    check "it succeeds" run_step switch
    check "current leads to the release" test "$(readlink "$root/current")" = releases/r1
    check "the variables are live" cmp -s "$scratch/want" "$root/shared/.env"
    check "a second time" run_step switch
    check_not "nothing was before" test -e "$root/previous"

    claim "the app is started and kept alive"
    check "it succeeds" run_step restart WL_SET_START_COMMAND="./run; exit 5"
    check_not "without listening there is no pid to tell" grep -q '^pid=$' "$results"
    sleep 0.3
    check "it has its variables and its port" grep -q "It's \$HOME \"x\" \`id\` on $port" "$root/shared/log/app.log"
    first=$(sed -n 's/^pid=//p' "$root/.windlass/app")
    kill -KILL "-$first"
    sleep 2.5
    second=$(sed -n 's/^pid=//p' "$root/.windlass/app")
    check "it was started again" test "$first" != "$second" -a -d "/proc/$second"
    check "its log says so" grep -q "^windlass: the app ended with status" "$root/shared/log/app.log"

    claim "a restart ends the old process and starts a new one"
    check "it succeeds" run_step restart WL_SET_START_COMMAND="./run"
    third=$(sed -n 's/^pid=//p' "$root/.windlass/app")
    check_not "the old one is gone" test -d "/proc/$second" -a "$(sed -n 's/^State:.\([A-Z]\).*/\1/p' "/proc/$second/status" 2>/dev/null)" != Z
    check "the new one lives" test -d "/proc/$third"

    claim "an app that listens before its keeper has written down who it is counts as started"
    mkdir -p "$scratch/fakes"
    printf '#!/bin/sh\ncase "$*" in *.windlass/app) sleep 2 ;; esac\nexec /bin/mv "$@"\n' >"$scratch/fakes/mv"
    chmod 755 "$scratch/fakes/mv"
    check "it succeeds" run_step restart WL_SET_START_COMMAND='exec busybox httpd -f -p "127.0.0.1:$PORT"'
    check "its process is told" grep -qx "pid=[0-9][0-9]*" "$results"
    rm -r "$scratch/fakes"

    claim "a stop ends the app and its keeper, and gone has seen it"
    check "the app runs" run_step restart WL_SET_START_COMMAND='exec busybox httpd -f -p "127.0.0.1:$PORT"'
    check_not "gone does not take a stop's word" run_step gone
    check "with what still runs" cause_has "it is not gone: "
    fourth=$(sed -n 's/^pid=//p' "$root/.windlass/app")
    check "it succeeds" run_step stop_live
    check_not "the app is gone" test -d "/proc/$fourth" -a "$(sed -n 's/^State:.\([A-Z]\).*/\1/p' "/proc/$fourth/status" 2>/dev/null)" != Z
    check "and seen to be" run_step gone
    check "a second time" run_step stop_live
    busybox httpd -f -p "127.0.0.1:$port" &
    stranger=$!
    sleep 0.3
    check_not "somebody else on its port is no stopped app" run_step gone
    check "it is named" cause_has "port $port is listened on by busybox"
    kill "$stranger"
    wait "$stranger" 2>/dev/null
    lock_job=other
    check_not "the lock of another job stops it" run_step stop_live
    lock_job=job1

    claim "a command runs once in the release's folder with the app's variables, and its status is told"
    mkdir -p "$root/shared/log"
    check "it succeeds" run_step command WL_COMMAND='echo "$GREETING in $(basename "$PWD") at $PORT"; echo "$WL_COMMAND" "${WL_RESULT:-none}"'
    check "its output is there" says "in r1 at $port"
    check "nothing of ours reaches it" says "^ none"
    check "the status is a result" grep -qx "status=0" "$results"
    check_not "it fails" run_step command WL_COMMAND='echo oops >&2; exit 7'
    check "with the status" cause_has "ended with status 7"
    check "quotes stay" run_step command WL_COMMAND="printf '%s' \"it's\" | grep -qx \"it's\""

    claim "the newest lines of the app's log, those with a text, never more than is bounded"
    i=0
    while [ "$i" -lt 20 ]; do
        i=$((i + 1))
        echo "line $i of [a].*"
    done >"$root/shared/log/app.log"
    check "it succeeds" run_step logs WL_LINES=5 WL_SINCE_S=0 WL_FOLLOW_S=0 WL_FILTER= WL_SERVICE=
    check "the newest" says "^line 20 of"
    check_not "no more of them" says "^line 15 of"
    check "with a text" run_step logs WL_LINES=20 WL_SINCE_S=0 WL_FOLLOW_S=0 WL_FILTER="LINE 7 OF [a].*" WL_SERVICE=
    check "which is no pattern" says "^line 7 of"
    check_not "and nothing else" says "^line 17 of"
    check "none is told" run_step logs WL_LINES=20 WL_SINCE_S=0 WL_FOLLOW_S=0 WL_FILTER=nowhere WL_SERVICE=
    check "in words" says "no line with this text"
    (sleep 1; echo "a new line" >>"$root/shared/log/app.log") &
    check "followed" run_step logs WL_LINES=1 WL_SINCE_S=0 WL_FOLLOW_S=3 WL_FILTER= WL_SERVICE=
    check "what came meanwhile" says "^a new line"
    check_not "and nothing is left running" pgrep -f "tail -n 1 -f -- $root"

    claim "an app that ends at once is told with its last words"
    check_not "it fails" run_step restart WL_SET_START_COMMAND="echo cannot find the moon; exit 3"
    check "status and words are told" cause_has "status 3: cannot find the moon"

    claim "a second release and its undo"
    check "the first runs" run_step restart WL_SET_START_COMMAND=./run
    job=job2 lock_job=job2 release=r2 number=2 version=2.0.0
    pack "$scratch/good"
    check "unpack" run_step unpack
    check "env" run_step env WL_ENV_FILE="GREETING=\"two\"
"
    check "switch" run_step switch
    check "current leads to it" test "$(readlink "$root/current")" = releases/r2
    check "previous leads to the first" test "$(readlink "$root/previous")" = releases/r1
    check "switch back" run_step switch_back
    check "current leads to the first" test "$(readlink "$root/current")" = releases/r1
    check "its variables are back" cmp -s "$scratch/want" "$root/shared/.env"
    check "the version is told" grep -qx "version=1.0.0" "$results"
    check "a second time" run_step switch_back
    check "restart uses the old start command" run_step restart WL_SET_START_COMMAND="exit 1"

    claim "without a release before, undo removes the link and stops the app"
    rm -rf "$root/current" "$root/previous" "$root/.windlass/before-"* "$root/.windlass/back-"*
    job=job3 lock_job=job3
    check "switch" run_step switch
    check "switch back" run_step switch_back
    check "it is told" grep -qx "nothing_before=1" "$results"
    check_not "no link is left" test -L "$root/current"
    check "restart" run_step restart WL_SET_START_COMMAND=./run
    check "it says that it stopped" says "Stopped"
    check_not "nothing is recorded as running" test -e "$root/.windlass/app"

    claim "a systemd unit is restarted, and stopped when nothing is left to run"
    mkdir -p "$scratch/fakes"
    printf '#!/bin/sh\necho "systemctl $*" >>"%s/calls"\n[ "$1" != is-active ] || cat "%s/state"\n' "$scratch" "$scratch" >"$scratch/fakes/systemctl"
    chmod +x "$scratch/fakes/systemctl"
    echo active >"$scratch/state"
    ln -sfn releases/r1 "$root/current"
    if [ "$(id -u)" -eq 0 ]; then
        check "it succeeds" run_step restart WL_SET_UNIT=shop.service
        check "the unit was restarted" grep -qx "systemctl restart shop.service" "$scratch/calls"
    fi
    check "of the user" run_step restart WL_SET_UNIT=shop.service WL_SET_UNIT_SCOPE=user
    check "the user's unit was restarted" grep -qx "systemctl --user restart shop.service" "$scratch/calls"
    echo active >"$scratch/state"
    check "a unit is stopped" run_step stop_live WL_SET_UNIT=shop.service WL_SET_UNIT_SCOPE=user
    check "by its name" grep -qx "systemctl --user stop shop.service" "$scratch/calls"
    printf '#!/bin/sh\ncase $* in *is-active*) echo active ;; esac\n' >"$scratch/fakes/systemctl"
    check_not "one that is still active is not gone" run_step gone WL_SET_UNIT=shop.service WL_SET_UNIT_SCOPE=user
    check "it says so" cause_has "the unit shop.service is active"
    printf '#!/bin/sh\ncase $* in *is-active*) echo failed ;; esac\n' >"$scratch/fakes/systemctl"
    check_not "a unit that fails is told" run_step restart WL_SET_UNIT=shop.service WL_SET_UNIT_SCOPE=user
    check "with its state" cause_has "is failed after the restart"
    rm -f "$root/current"
    check "without a release it is stopped" run_step restart WL_SET_UNIT=shop.service WL_SET_UNIT_SCOPE=user
    check "and it says so" says "Stopped shop.service"

    claim "sudo that refuses is told with the line for sudoers"
    ln -sfn releases/r1 "$root/current"
    printf '#!/bin/sh\nexit 1\n' >"$scratch/fakes/sudo"
    printf '#!/bin/sh\ncase $1 in -u) echo 1000 ;; -un) echo deploy ;; esac\n' >"$scratch/fakes/id"
    chmod +x "$scratch/fakes/sudo" "$scratch/fakes/id"
    if [ "$shell_name" = busybox ]; then # its shell takes its own id, not this one
        SH=dash
    fi
    check_not "it fails" run_step restart WL_SET_UNIT=shop.service
    check "the line is shown" cause_has "deploy ALL=(root) NOPASSWD: .*systemctl restart shop.service, .*systemctl stop shop.service"
    rm -rf "$scratch/fakes" "$root/current"
    [ "$shell_name" = dash ] || SH="sh"

    claim "old releases go, never current, previous and the last one that was proven"
    for n in 3 4 5 6 7 8; do
        mkdir -p "$root/releases/r$n"
        printf 'release=%s\n' "$n" >"$root/releases/r$n/.windlass-release"
    done
    mkdir -p "$root/releases/mine" "$root/releases/r9.incomplete"
    # r5 is the last one that was proven; r6 was in place when r8 came, and nobody knows how that went; r7 failed.
    ln -sfn releases/r8 "$root/current"
    ln -sfn releases/r6 "$root/previous"
    check "it succeeds" run_step prune WL_GOOD=r5 WL_SET_KEEP=4
    for keep in r8 r6 r5 r4 mine; do
        check "$keep stays" test -d "$root/releases/$keep"
    done
    for gone in r1 r2 r3 r7 r9.incomplete; do
        check_not "$gone is gone" test -d "$root/releases/$gone"
    done
    check "what is left is told" grep -qx "kept_1=r8 r6 r5 r4" "$results"
    check "it succeeds again, with one to keep" run_step prune WL_GOOD=r5 WL_SET_KEEP=1
    check "the proven one stays" test -d "$root/releases/r5"
    check_not "the older one is gone" test -d "$root/releases/r4"

    claim "a taken port is named"
    busybox httpd -f -p "127.0.0.1:$port" -h "$scratch/src" &
    httpd=$!
    sleep 0.5
    check_not "prepare fails" run_step prepare WL_SET_START_COMMAND=./run
    check "the port and the process are told" cause_has "Port $port is taken by busybox (pid"
    kill "$httpd" 2>/dev/null
    wait "$httpd" 2>/dev/null
    end_claim
}

full_disk_claims() { # a home of one megabyte: each step that writes says that the disk is full
    claim "a full disk is told in words"
    if ! mount -t tmpfs -o size=300k,nr_inodes=200 full "$HOME" 2>/dev/null; then
        echo "ok $((tap_count + 1)) - a full disk is told in words ($shell_name) # SKIP this account may not mount"
        tap_count=$((tap_count + 1))
        claim_name=
        return
    fi
    root=$HOME/apps/shop
    job=job9 lock_job=job9 release=r9 number=9 version=9 sha256=none
    mkdir -p "$root/releases" "$root/shared" "$root/.windlass"
    head -c 2000000 /dev/urandom >"$scratch/src/large"
    pack_with large
    check_not "unpack fails" run_step unpack
    check "unpack says so" cause_has "is full"
    head -c 400000 /dev/zero >"$root/fill" 2>/dev/null
    check_not "env fails" run_step env WL_ENV_FILE="A=\"$(head -c 20000 /dev/zero | tr '\0' x)\"
"
    check "env says so" cause_has "is full"
    check_not "no half file is left" test -s "$root/shared/.env.next-job9"
    check_not "prepare fails" run_step prepare WL_SET_START_COMMAND=./run
    check "prepare says so" cause_has "is full"
    mkdir -p "$root/releases/r9" 2>/dev/null
    umount "$HOME"
    end_claim
}

for one in dash busybox; do
    choose_shell "$one"
    all_claims
    stop_all
    HOME=$scratch/full-$one
    mkdir -p "$HOME"
    full_disk_claims
done
finish
