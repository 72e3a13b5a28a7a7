# home.sh - the first thing asked of a target: where the account lives. Writes nothing.
# shellcheck shell=sh disable=SC2154
case ${HOME:-} in
/*) ;;
*)
    echo "error=The account has no home folder (HOME is \"${HOME:-}\"). Fix: give it one (usermod -d)."
    exit 0
    ;;
esac
if [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    echo "error=The home folder $HOME does not exist or is not writable for the account. Fix: make it, and give it to the account."
    exit 0
fi
[ -r /proc/self/stat ] || {
    echo "error=The server has no /proc, which is needed to see what runs. Fix: use a Linux server with /proc mounted."
    exit 0
}
echo "home=$HOME"
echo "boot=$(boot_id)"
