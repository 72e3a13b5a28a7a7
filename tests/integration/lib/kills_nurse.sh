#!/bin/sh
# kills_nurse.sh - windlass-worker in the tests of kills: starts the real one and, whenever that is killed, another at once. `windlass up` does the same
# with growing pauses, which after eighty kills would be all that the test waits for.
# shellcheck disable=SC2154 # the line before these sets real
child=
ended=
trap 'ended=1; [ -z "$child" ] || kill -TERM "$child"' TERM INT
while [ -z "$ended" ]; do
    "$real" "$@" &
    child=$!
    wait "$child"
    status=$?
    while kill -0 "$child" 2>/dev/null; do # a signal interrupts wait
        wait "$child"
        status=$?
    done
    [ "$status" -eq 137 ] || exit "$status"
done
