# kills_shim.sh - stands first in the PATH of a target in the tests of kills, as cat, mv and sha256sum, behind kills_stop.sh. Steps without a script of the
# recipe run scripts of the runner that cannot be changed from outside; each of them runs one of these in its middle:
#
#   connect  where the account lives was asked, and is not answered yet      upload   all bytes are there, not yet under their name
#   lock     the lock's folder is made, its owner not written                unlock   the job's folder is gone, the lock is still there
# shellcheck shell=sh
PATH=${PATH#*:}
case "${0##*/} $*" in
"cat /proc/sys/kernel/random/boot_id") kills_stop connect.midway ;;
"mv "*/locks/*/owner) kills_stop lock.midway ;;
"mv "*/locks/.gone-*) kills_stop unlock.midway ;;
"sha256sum ") kills_stop upload.midway ;;
esac
exec "${0##*/}" "$@"
