# wrapper.sh - runs one step in a session of its own and writes down what happened, so that whoever comes later knows. Put into the job's folder
# and started by `setsid sh wrapper.sh STEP_DIR NONCE LOCK_DIR JOB EPOCH`, with nothing of the connection attached. LOCK_DIR may be empty.
#
# claim  made by ln, which fails when there is one: of two wrappers for one step, one runs
# begun  the step's script starts now         end  "<nonce> <status>", by rename: it ran and this is its status
# shellcheck shell=sh
set -u
umask 077
cd "$1" || exit 1
nonce=$2

# A runner that was taken over while it slept must not begin anything: its epoch is below the one in the lock by then.
if [ -n "$3" ]; then
    job=$(sed -n 's/^job=//p' "$3/owner")
    epoch=$(sed -n 's/^epoch=//p' "$3/owner")
    if [ "$job" != "$4" ] || [ "${epoch:-0}" -gt "$5" ]; then
        echo "the lock belongs to job ${job:-none}, epoch ${epoch:-0}, by now" >&2
        exit 1
    fi
fi

exec 3<input || exit 1 # no input: another wrapper had it, or nobody meant this one to run

{ read -r stat <"/proc/$$/stat"; } || exit 1
stat=${stat##*) }
start=$(
    # shellcheck disable=SC2086 # fields
    set -- $stat
    echo "${20}"
)
printf 'pid=%s\nstart=%s\nboot=%s\nat=%s\n' "$$" "$start" "$(cat /proc/sys/kernel/random/boot_id)" "$(date +%s)" >"claim.$$" || exit 1
if ! ln "claim.$$" claim 2>/dev/null; then
    rm -f "claim.$$"
    exit 1
fi
rm -f input
mv -f "claim.$$" begun || exit 1

# TERM ends the script, not this shell, which still has to say how it ended. A handler is not inherited by what it starts, unlike "ignore".
trap : TERM INT HUP
unset WL_INPUT
WL_RESULT=$1/result
export WL_RESULT
sh ./script <&3 >>log 2>&1 3<&-
status=$?
printf '%s %s\n' "$nonce" "$status" >end.part && sync -f end.part 2>/dev/null
mv -f end.part end
