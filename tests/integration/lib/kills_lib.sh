# kills_lib.sh - stands in front of lib.sh in the tests of kills (kills_traps.mjs), behind kills_stop.sh. Each script says in a file on the target and in
# its log where it is, and stops there while the test wants it.
# shellcheck shell=sh
kills_step=${WL_RESULT%/result} # .../jobs/<job>/<step>/result
kills_job=${kills_step%/*}
kills_job=${kills_job##*/}
kills_step=${kills_step##*/}
kills_at() { # point
    kills_status=$? # of the line before: the script may want it
    printf '%s %s %s\n' "$kills_job" "$kills_step" "$1" >>"$HOME/kills/ran"
    echo "kills: step $kills_step is $1"
    kills_stop "$kills_step.$1"
    return "$kills_status"
}
kills_at begun
