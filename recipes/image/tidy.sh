# tidy.sh - the end of an operation: its own notes in .windlass go.
# shellcheck shell=sh disable=SC2154
wl_image_places
rm -f -- "$wl_state"/*-"$WL_JOB"
