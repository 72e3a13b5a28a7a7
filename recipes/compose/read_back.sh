# read_back.sh - what Compose reads from the new .env, printed for the runner, which compares it with what was saved. Not a log: it holds every value.
# A project of one service that has the file as its env_file; the same reader fills in ${VARIABLES} of the real one.
# shellcheck shell=sh disable=SC2154
wl_project_places
wl_engine
umask 077
check=$wl_state/read-back-$WL_JOB
wl_compose_file=docker-compose.yml
rm -rf -- "$check"
mkdir -- "$check" || wl_write_failed "$wl_state" "Making a folder to read the variables back"
cp -p -- "$wl_release/.env" "$check/variables" || wl_write_failed "$wl_state" "Reading the variables back"
: >"$check/.env"
cat >"$check/docker-compose.yml" <<'END' || wl_write_failed "$wl_state" "Reading the variables back"
version: "2.4"
services:
  read_back:
    image: read-back
    env_file: [variables]
END
case $wl_compose_kind in
v1) format=compose-yaml arguments= ;;
*) format=compose-json arguments='--format json' ;;
esac
# shellcheck disable=SC2086 # two words
if ! wl_compose "$check" "" config $arguments >"$check/out" 2>"$check/said"; then
    said=$(wl_last_line "$check/said")
    rm -rf -- "$check"
    wl_fail "Compose does not read the variables back: $said. Fix: run docker compose config there by hand; if it names a variable, write its value in another form."
fi
printf 'wl-format %s\n' "$format"
cat "$check/out"
rm -rf -- "$check" # no trap: the end of the script is the runner's to watch
