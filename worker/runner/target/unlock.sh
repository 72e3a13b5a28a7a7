# unlock.sh - release the lock if it is still this job's (PLACE, OWNER_JOB, OWNER_EPOCH), after removing the job's folder (REMOVE=1). Safe to repeat.
# shellcheck shell=sh disable=SC2154
base=$HOME/.windlass
lock=$base/locks/$PLACE
for begun in "$base/jobs/$OWNER_JOB"/*/begun; do
    [ -f "$begun" ] || continue
    if [ ! -f "${begun%begun}end" ] && alive "$begun"; then
        echo "result=running"
        exit 0
    fi
done
# Each word is read once: an earlier run of this script whose answer was lost may be removing the lock at this moment, and no owner is nobody else.
leave_to_others() {
    holder=$(field job "$lock/owner" 2>/dev/null)
    epoch=$(field epoch "$lock/owner" 2>/dev/null)
    if [ -n "$holder" ] && { [ "$holder" != "$OWNER_JOB" ] || [ "${epoch:-0}" -gt "$OWNER_EPOCH" ]; }; then
        echo "result=foreign"
        exit 0
    fi
}
leave_to_others
[ "$REMOVE" != 1 ] || rm -rf "$base/jobs/${OWNER_JOB:?}"
leave_to_others # the folder may have been large, and the lock another job's by now
if [ -d "$lock" ]; then
    # Out of the way in one instant: nobody ever sees a lock without an owner because of us.
    rm -rf "$base/locks/.gone-$OWNER_JOB"
    mv "$lock" "$base/locks/.gone-$OWNER_JOB" 2>/dev/null && rm -rf "$base/locks/.gone-$OWNER_JOB"
fi
if [ -d "$lock" ]; then echo "result=failed"; else echo "result=ok"; fi
