# read_back.sh - what the shell reads from the new variables, printed for the runner, which compares it with what was saved. Not a log: it holds
# every value. The app is started by the same shell (restart.sh); systemd reads the same bytes from this encoding (lib/domain/envfile.h).
# shellcheck shell=sh disable=SC2154
wl_places
next=$wl_shared/.env.next-$WL_JOB
[ -r "$next" ] || wl_fail "The new variables are not there any more, so they cannot be read back. Fix: deploy again."
printf 'wl-format environ\n'
# shellcheck disable=SC2016 # for the inner shell
env -i sh -c 'set -a; . "$1" || exit 1; exec "$2" /proc/self/environ' read-back "$next" "$(command -v cat)" 2>/dev/null
