# kills_stop.sh - how something on a target stops while the test wants it (kills_traps.mjs puts this in front of kills_lib.sh and kills_shim.sh): a file
# $HOME/kills/<step>.<point> is renamed to *.hit, and who found it waits until that is gone. When nobody comes it removes the file itself, so that the test
# cannot take a late kill for one at this point.
# shellcheck shell=sh
kills_stop() { # step.point
    mv "$HOME/kills/$1" "$HOME/kills/$1.hit" 2>/dev/null || return 0
    kills_turns=0
    while [ -e "$HOME/kills/$1.hit" ]; do
        kills_turns=$((kills_turns + 1))
        [ "$kills_turns" -lt 120 ] || rm -f "$HOME/kills/$1.hit"
        sleep 0.15 # not oftener: ten of these wait at a time
    done
}
