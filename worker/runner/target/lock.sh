# lock.sh - take the lock of PLACE on this server: a folder, since mkdir is atomic, with an owner file in it. OWNER_* are given.
#
# The same job takes its lock again under its new epoch. A lock of another job of the same environment is taken over only when nothing of that job runs
# any more (its dashboard runs one such job at a time, so that job has ended without being able to say so here). Anybody else's is respected: that of
# another dashboard, or of another environment that was given the same place.
# shellcheck shell=sh disable=SC2154
base=$HOME/.windlass
fail() {
    echo "result=failed"
    echo "error=$1"
    exit 0
}
{ mkdir -p "$base/locks" "$base/jobs" && chmod 0700 "$base"; } 2>/dev/null || {
    free_kb=$(df -Pk "$HOME" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free_kb:-1000}" -gt 64 ] || fail "The disk of $HOME is full. Fix: free space there, then try again."
    fail "The folder $base cannot be made. Fix: check who owns it (ls -ld $base)."
}
lock=$base/locks/$PLACE

# Beside it; the caller puts it in place. Not under one name for all: of this very job another asking, whose connection was cut, may still run.
own=$lock/owner.$OWNER_JOB.$$
write_owner() {
    printf 'instance=%s\nenvironment=%s\njob=%s\nepoch=%s\nwho=%s\nwhy=%s\nsince=%s\n' "$OWNER_INSTANCE" "$OWNER_ENV" "$OWNER_JOB" "$OWNER_EPOCH" "$OWNER_WHO" "$OWNER_WHY" "$1" \
        >"$own" || {
        rm -f "$own"
        fail "The lock cannot be written: the disk of $HOME may be full. Fix: free space there, then try again."
    }
}

still_running() { # job: whether any step of it lives
    for begun in "$base/jobs/$1"/*/begun; do
        [ -f "$begun" ] || continue
        [ -f "${begun%begun}end" ] || ! alive "$begun" || return 0
    done
    return 1
}

ready() {
    mkdir -p "$base/jobs/$OWNER_JOB" || fail "The job's folder cannot be made in $base/jobs. Fix: check the disk and who owns the folder."
    # Folders of jobs that could not clean up after themselves. A runner that takes over a job has more urgent things to do.
    [ "$1" = reclaimed ] || find "$base/jobs" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} + 2>/dev/null
    rm -f "$base/jobs/$OWNER_JOB/wrapper.sh" # sent anew; a shell that reads it goes on reading
    echo "result=$1"
    exit 0
}

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
if mkdir "$lock" 2>/dev/null; then
    write_owner "$now"
    mv -f "$own" "$lock/owner" && ready taken
fi
[ -d "$lock" ] || fail "The lock $lock cannot be made. Fix: check the disk and who owns $base."

tries=0
while [ ! -f "$lock/owner" ] && [ "$tries" -lt 20 ]; do # somebody is between mkdir and its owner file, or died there
    tries=$((tries + 1))
    nap 0.1
done
if [ ! -f "$lock/owner" ]; then
    write_owner "$now"
    ln "$own" "$lock/owner" 2>/dev/null && rm -f "$own" && ready taken
    rm -f "$own"
fi

job=$(field job "$lock/owner")
epoch=$(field epoch "$lock/owner")
if [ "$(field instance "$lock/owner")" = "$OWNER_INSTANCE" ]; then
    if [ "$job" = "$OWNER_JOB" ]; then
        if [ "${epoch:-0}" -gt "$OWNER_EPOCH" ]; then
            echo "result=superseded"
            echo "holder_epoch=$epoch"
            exit 0
        fi
        write_owner "$(field since "$lock/owner")"
        mv -f "$own" "$lock/owner" && ready reclaimed
    elif [ "$(field environment "$lock/owner")" = "$OWNER_ENV" ] && ! still_running "$job"; then
        write_owner "$now"
        echo "from_job=$job"
        mv -f "$own" "$lock/owner" && ready taken_over
    fi
fi
echo "result=held"
for key in instance job who why since; do
    echo "holder_$key=$(field "$key" "$lock/owner")"
done
