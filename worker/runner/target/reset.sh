# reset.sh - make an idempotent step that was cut off ready to run again. Its log stays: offsets in it have been read.
# shellcheck shell=sh disable=SC2154
cd "$STEP_DIR" || exit 1
! alive begun || exit 1
rm -f claim claim.* begun input script result end.part
echo "state=none"
