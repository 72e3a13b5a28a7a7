# inspect.sh - what has become of a step (STEP_DIR, NONCE). Table "On a target" in docs/architecture.md, line by line.
# shellcheck shell=sh disable=SC2153,SC2154
mkdir -p "$STEP_DIR" 2>/dev/null
cd "$STEP_DIR" 2>/dev/null || {
    echo "state=failed"
    echo "error=The folder of the step cannot be made on the server. Fix: check the disk and who owns $STEP_DIR."
    exit 0
}
size() {
    if [ -f log ]; then wc -c <log; else echo 0; fi
}

if [ -f end ]; then
    read -r nonce status <end
    if [ "$nonce" = "$NONCE" ]; then
        echo "state=ended"
    else
        echo "state=foreign" # not written by this job: nothing may be concluded from it
    fi
    echo "status=$status"
elif [ -f begun ] && alive begun; then
    echo "state=running"
    echo "age=$(($(date +%s) - $(field at begun)))"
elif [ -f end ]; then
    echo "state=again" # it ended between the two looks
elif [ -f begun ]; then
    echo "state=cut"
elif [ -f claim ] && alive claim; then
    echo "state=starting"
    echo "age=0"
else
    rm -f claim claim.* input script result begun.part start.error
    echo "state=none"
fi
[ ! -f over ] || echo "over=1"
echo "size=$(size)"
