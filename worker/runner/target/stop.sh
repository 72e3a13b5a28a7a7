# stop.sh - end a step's session: SIGNAL is TERM or KILL. Says what is left of it.
# shellcheck shell=sh disable=SC2154
cd "$STEP_DIR" 2>/dev/null || {
    echo "left=0"
    exit 0
}
file=begun
[ -f begun ] || file=claim
if [ -f end ] || [ ! -f "$file" ] || ! alive "$file"; then
    echo "left=0"
    exit 0
fi
leader=$(field pid "$file")
for pid in $(session "$leader"); do
    kill -s "$SIGNAL" "$pid" 2>/dev/null
done
if [ "$SIGNAL" = KILL ]; then
    tries=0
    while [ -n "$(session "$leader")" ] && [ "$tries" -lt 30 ]; do
        tries=$((tries + 1))
        nap 0.1
        for pid in $(session "$leader"); do
            kill -s KILL "$pid" 2>/dev/null
        done
    done
fi
echo "left=$(session "$leader" | wc -l)"
