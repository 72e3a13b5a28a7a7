#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # $ in single quotes is for the shell on the target
# The scripts that a runner sends to a target (worker/runner/target), under dash and busybox: lock, claim, inspect, follow, stop, verify, unlock.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. "$(dirname -- "$0")/lib/recipe.sh"

send() { # script, NAME=value ...: what the runner does; the answer in $answer, control lines in $log
    script=$1
    shift
    answer=$scratch/answer
    {
        assign "$@"
        cat "$top/worker/runner/target/common.sh" "$top/worker/runner/target/$script.sh"
    } >"$scratch/sent"
    in_shell "$SH" <"$scratch/sent" >"$answer" 2>"$log"
}

answers() { grep -qx -e "$1" "$answer"; }
controls() { grep -q -e "^wl:n1:$1" "$log"; }
lock() { send lock PLACE=place1 OWNER_INSTANCE="$1" OWNER_ENV="${4:-env1}" OWNER_JOB="$2" OWNER_EPOCH="$3" OWNER_WHO="Ann O'Neil" OWNER_WHY="because \$(id)"; }
unlock() { send unlock PLACE=place1 OWNER_JOB="$1" OWNER_EPOCH="$2" REMOVE="$3"; }
inspect() { send inspect STEP_DIR="$step" NONCE=n1; }
await_file() { # path: until it is there, at most 60 s
    tries=0
    until [ -e "$1" ] || [ "$tries" -gt 600 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}
await_state() { # state: until it is that, at most 40 s
    await_file "$step/claim" # before that, to look clears the step's files away
    tries=400
    inspect
    while ! answers "state=$1" && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
        inspect
    done
}
follow() { # START, ORIGIN, LIMIT
    send follow JOB_DIR="$jobs/j1" LOCK_DIR="$lock_dir" JOB=j1 EPOCH="${epoch:-1}" STEP_DIR="$step" NONCE=n1 ORIGIN="$2" LIMIT="${3:-1000000}" START="$1"
}

at_once() { # how often, file with a script: all at the same time; their answers are in raced*
    rm -f "$scratch"/raced*
    tries=$1
    while [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        in_shell "$SH" <"$2" >"$scratch/raced$tries" 2>&1 &
    done
    wait
}

put_step() { # number, script text: what the runner puts there
    step=$jobs/j1/$1
    mkdir -p "$step"
    printf '%s\n' "$2" >"$step/script"
    echo "SECRET=x" >"$step/input"
}

all_claims() {
    base=$HOME/.windlass
    jobs=$base/jobs
    lock_dir=$base/locks/place1
    # A small server's setsid, sh and tail as well.
    cp "$top/worker/runner/target/wrapper.sh" "$scratch/wrapper.sh"

    claim "the first takes the lock, and the same job takes it again under a higher epoch"
    check "taken" lock i1 j1 1
    check "it says so" answers "result=taken"
    check "who and why are written as they are" grep -qxF "why=because \$(id)" "$lock_dir/owner"
    check "again" lock i1 j1 2
    check "reclaimed" answers "result=reclaimed"
    check "the epoch is the new one" grep -qx "epoch=2" "$lock_dir/owner"
    lock i1 j1 1
    check "a lower epoch is told that it is superseded" answers "result=superseded"

    claim "another dashboard, and another job that runs, are kept out"
    lock i2 j9 1
    check "held" answers "result=held"
    check "by whom" answers "holder_who=Ann O'Neil"
    mkdir -p "$jobs/j1/3"
    start=$(cut -d ')' -f 2 "/proc/$$/stat" | cut -d ' ' -f 21)
    printf 'pid=%s\nstart=%s\nboot=%s\n' $$ "$start" "$(cat /proc/sys/kernel/random/boot_id)" >"$jobs/j1/3/begun"
    lock i1 j2 1
    check "held while it runs" answers "result=held"
    rm -rf "$jobs/j1/3"
    lock i1 j2 1 env2
    check "held against another environment of the same place" answers "result=held"
    lock i1 j2 1
    check "taken over when nothing of it runs" answers "result=taken_over"
    unlock j1 9 1
    check "its old owner cannot release it" answers "result=foreign"
    unlock j2 1 1
    check "the new one can" answers "result=ok"
    check_not "it is gone" test -e "$lock_dir"
    unlock j2 1 1
    check "twice is fine" answers "result=ok"

    claim "of ten at once one takes the lock"
    in_shell sh -c 'exit 0'
    for n in 1 2 3 4 5 6 7 8 9 10; do
        {
            assign PLACE=place2 OWNER_INSTANCE="i$n" OWNER_ENV="env$n" OWNER_JOB="k$n" OWNER_EPOCH=1 OWNER_WHO=w OWNER_WHY=
            cat "$top/worker/runner/target/common.sh" "$top/worker/runner/target/lock.sh"
        } >"$scratch/race$n"
        in_shell "$SH" <"$scratch/race$n" >"$scratch/raced$n" 2>&1 &
    done
    wait
    check "one" test "$(cat "$scratch"/raced* | grep -c '^result=taken$')" = 1
    check "nine" test "$(cat "$scratch"/raced* | grep -c '^result=held$')" = 9
    rm -rf "$base/locks/place2"

    claim "a job that asks for its lock ten times at once has it each time: connections are cut, and what they began runs on"
    {
        assign PLACE=place2 OWNER_INSTANCE=i1 OWNER_ENV=env1 OWNER_JOB=k1 OWNER_EPOCH=1 OWNER_WHO=w OWNER_WHY=
        cat "$top/worker/runner/target/common.sh" "$top/worker/runner/target/lock.sh"
    } >"$scratch/race"
    at_once 10 "$scratch/race"
    check "ten" test "$(cat "$scratch"/raced* | grep -c -e '^result=taken$' -e '^result=reclaimed$')" = 10
    check "nothing beside the owner" test "$(ls "$base/locks/place2")" = owner
    rm -rf "$base/locks/place2"

    claim "a step is started, followed to its end, and its status and results are told"
    lock i1 j1 1
    cp "$scratch/wrapper.sh" "$jobs/j1/wrapper.sh"
    put_step 4 'cat; echo out; echo bad >&2; echo key=value >>"$WL_RESULT"; sleep 0.3; printf "no newline"; exit 5'
    inspect
    check "nothing yet: what was put there before is swept away" answers "state=none"
    put_step 4 'cat; echo out; echo bad >&2; echo key=value >>"$WL_RESULT"; sleep 0.3; printf "no newline"; exit 5'
    follow 1 0
    while ! controls ended; do follow 0 0; done
    follow 0 0
    printf 'SECRET=x\nout\nbad\nno newline' >"$scratch/want"
    check "the output is exact" cmp -s "$scratch/want" "$answer"
    check "the status" controls "ended 5 27"
    check "the results" controls "r key=value"
    check_not "the input is gone" test -e "$step/input"
    inspect
    check "it has ended" answers "state=ended"
    follow 0 20
    check "from an offset" test "$(cat "$answer")" = "newline"

    claim "of two wrappers for one step one runs"
    put_step 5 'echo ran >>"$HOME/ran"; sleep 0.2'
    for n in 1 2 3 4 5; do
        in_shell setsid sh "$jobs/j1/wrapper.sh" "$step" n1 "$lock_dir" j1 1 </dev/null >/dev/null 2>&1 &
    done
    wait
    sleep 0.6
    check "once" test "$(grep -c ran "$HOME/ran")" = 1
    rm -f "$HOME/ran"

    claim "a wrapper of a lower epoch begins nothing"
    lock i1 j1 7
    cp "$scratch/wrapper.sh" "$jobs/j1/wrapper.sh"
    put_step 6 'echo ran >>"$HOME/ran"'
    in_shell sh "$jobs/j1/wrapper.sh" "$step" n1 "$lock_dir" j1 6 2>"$log"
    check_not "nothing ran" test -e "$HOME/ran"
    check "it says why" says "belongs to job j1, epoch 7"
    check_not "no claim is left" test -e "$step/claim"

    claim "a step that was cut off is told from one that runs, and can be made ready again"
    put_step 7 'sleep 30'
    (in_shell setsid sh "$jobs/j1/wrapper.sh" "$step" n1 "$lock_dir" j1 7 </dev/null >/dev/null 2>&1 &)
    await_state running
    check "it runs" answers "state=running"
    send stop STEP_DIR="$step" NONCE=n1 SIGNAL=KILL
    check "nothing is left of it" answers "left=0"
    inspect
    check "it was cut off" answers "state=cut"
    send reset STEP_DIR="$step" NONCE=n1
    check "it is ready" answers "state=none"

    claim "TERM ends the script and its status is still written"
    put_step 8 ': >"$HOME/started"; sleep 30'
    rm -f "$HOME/started"
    (in_shell setsid sh "$jobs/j1/wrapper.sh" "$step" n1 "$lock_dir" j1 7 </dev/null >/dev/null 2>&1 &)
    await_state running
    await_file "$HOME/started" # begun is written just before the script is there to be ended
    send stop STEP_DIR="$step" NONCE=n1 SIGNAL=TERM
    await_state ended
    check "it has ended" answers "state=ended"
    check "by TERM" answers "status=143"

    claim "an end of somebody else is not believed"
    put_step 9 'true'
    echo "other 0" >"$step/end"
    inspect
    check "foreign" answers "state=foreign"
    follow 0 0
    check "foreign to who follows it" controls "foreign 0"
    check_not "and not its end" controls "ended"

    claim "an upload is checked before it gets its name"
    echo data >"$scratch/artefact.part"
    sum=$(sha256sum <"$scratch/artefact.part" | cut -d ' ' -f 1)
    rm -f "$scratch/artefact"
    send verify ARTEFACT="$scratch/artefact" SIZE=5 SHA256="$sum" LOOK=0
    check "right" answers "result=ok"
    check "named" test -f "$scratch/artefact"
    send verify ARTEFACT="$scratch/artefact" SIZE=5 SHA256="$sum" LOOK=0
    check "asked again" answers "result=ok"
    send verify ARTEFACT="$scratch/artefact" SIZE=5 SHA256="$sum" LOOK=1
    check "there" answers "result=there"
    echo dat0 >"$scratch/artefact.part"
    rm -f "$scratch/artefact"
    send verify ARTEFACT="$scratch/artefact" SIZE=5 SHA256="$sum" LOOK=0
    check "one byte off" answers "result=damaged"
    check_not "removed" test -e "$scratch/artefact.part"

    claim "ten askings at once about one upload all say that it is right"
    rounds=5
    while [ "$rounds" -gt 0 ]; do
        rounds=$((rounds - 1))
        rm -f "$scratch/artefact"
        head -c 1000000 /dev/zero >"$scratch/artefact.part"
        sum=$(sha256sum <"$scratch/artefact.part" | cut -d ' ' -f 1)
        {
            assign ARTEFACT="$scratch/artefact" SIZE=1000000 SHA256="$sum" LOOK=0
            cat "$top/worker/runner/target/common.sh" "$top/worker/runner/target/verify.sh"
        } >"$scratch/race"
        at_once 10 "$scratch/race"
        check "ten" test "$(cat "$scratch"/raced* | grep -c '^result=ok$')" = 10
        check "named" test -f "$scratch/artefact"
    done

    claim "the lock goes with the job's folder"
    unlock j1 7 1
    check "released" answers "result=ok"
    check_not "no lock" test -e "$lock_dir"
    check_not "no folder" test -e "$jobs/j1"
}

for one in dash busybox; do
    choose_shell "$one"
    all_claims
    end_claim
done
finish
