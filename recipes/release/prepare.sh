# prepare.sh - everything that can be known to fail is found here, before anything is uploaded. Changes nothing that serves.
# shellcheck shell=sh disable=SC2154 # lib.sh stands in front
wl_places

for tool in tar gzip awk sed df setsid sha256sum; do
    command -v "$tool" >/dev/null || wl_fail "The server lacks the command $tool. Fix: run Check on the server's page; it shows the line that installs it."
done

wl_writable "$wl_root"
wl_writable "$wl_releases"
wl_writable "$wl_shared"
{ mkdir -p -- "$wl_state" && chmod 0700 "$wl_state"; } || wl_write_failed "$wl_root" "Making the folder .windlass"

probe=$wl_state/probe-$WL_JOB
rm -rf -- "$probe.1" "$probe.2"
{ ln -s one "$probe.1" && ln -s two "$probe.2"; } || wl_write_failed "$wl_root" "Making a link"
mv -T -- "$probe.1" "$probe.2" 2>/dev/null ||
    wl_fail "The server's mv cannot replace a link in one instant (mv -T). Fix: apt-get install coreutils (or busybox 1.35 or newer)."
rm -f -- "$probe.2"

# Unpacked it is larger; the exact size is known only after the upload, when unpack.sh looks again.
wl_need_kb "$wl_root" $((${WL_ARTEFACT_SIZE:-0} / 512 + 1024))
wl_need_kb "$HOME" $((${WL_ARTEFACT_SIZE:-0} / 1024 + 1024))

if [ -z "${WL_SET_UNIT:-}" ] && [ -z "${WL_SET_START_COMMAND:-}" ]; then
    wl_fail "There is no start command and no systemd unit, so the release could not be started. Fix: set one of them in the environment's settings."
fi
if [ -n "${WL_SET_UNIT:-}" ] && ! command -v systemctl >/dev/null; then
    wl_fail "A systemd unit is set, but the server has no systemctl. Fix: use a start command instead."
fi

# With our own keeper we know whether the port's owner is ours. A unit's processes are systemd's: there the restart decides.
if [ -z "${WL_SET_UNIT:-}" ]; then
    owner=$(wl_port_pid "$WL_SET_PORT")
    if [ -n "$owner" ] && [ -z "${WL_SET_STOP_COMMAND:-}" ] && ! wl_is_ours "$owner"; then
        wl_fail "Port $WL_SET_PORT is taken by $(wl_process_name "$owner"), which this environment did not start. Fix: end that process, or give the app another port in the settings."
    fi
fi
wl_note "Folder $wl_root, $(wl_mb "$(wl_free_kb "$wl_root")") free."
wl_note "Live now: $(basename -- "$(readlink "$wl_root/current" 2>/dev/null || echo nothing)")"
