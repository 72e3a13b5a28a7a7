# wrapper.sh - runs one step in a session of its own and writes down what happened, so that whoever comes later knows. Put into the job's folder
# and started by `setsid sh wrapper.sh STEP_DIR NONCE`, with nothing of the connection attached.
#
# claim  made by ln, which fails when there is one: of two wrappers for one step, one runs
# begun  the step's script starts now         end  "<nonce> <status>", by rename: it ran and this is its status
# shellcheck shell=sh
set -u
umask 077
cd "$1" || exit 1
nonce=$2
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
