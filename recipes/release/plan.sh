# plan.sh - what a deploy would find here, for the page that asks a person to confirm it. Nothing is written on this server.
# Results: live (the name of what the link current leads to), disk_<n>, and looked=1 when all of it was seen.
# shellcheck shell=sh disable=SC2154
wl_places
live=$(readlink "$wl_root/current" 2>/dev/null) || live=
[ -z "$live" ] || live=$(sed -n 's/^version=//p' "$wl_root/$live/.windlass-release" 2>/dev/null | head -n 1)
# As prepare.sh wants it: the tarball in the account's home folder, and what is unpacked from it, about twice as large, in the app's.
wl_plan_disk 1 "the tarball" "$HOME" $((${WL_ARTEFACT_SIZE:-0} / 1024 + 1024))
wl_plan_disk 2 "the release" "$wl_root" $((${WL_ARTEFACT_SIZE:-0} / 512 + 1024))
wl_result live "$live"
wl_note "Live now: ${live:-nothing that Windlass knows}"
wl_result looked 1
