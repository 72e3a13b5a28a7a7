#!/bin/bash
# runner.sh - tests/run itself: a project of stubs, and what the closing line says of tests that pass, fail, crash, hang and skip.
set -u
cd "$(dirname "$0")/../.." || exit 1
project=$(mktemp -d /tmp/wl-runner.XXXXXX)
trap 'rm -rf "$project"' EXIT
. tests/integration/lib/stubs.sh

mkdir -p "$project/tools" "$project"/tests/{unit,recipes,integration}
cp tests/run "$project/tests/run"
printf '#!/bin/sh\n' >"$project/tools/deps.sh"
chmod +x "$project/tools/deps.sh"
printf 'all:\n' >"$project/Makefile"

stub() { # name, body
    printf '#!/bin/bash\n%s\n' "$2" >"$project/tests/$1.sh"
    chmod +x "$project/tests/$1.sh"
}
run() {
    (cd "$project" && WL_TEST_LIMIT=2 tests/run "$@") >"$project/said" 2>&1
    status=$?
}

stub recipes/good 'echo "ok 1 - a"; echo "ok 2 - b # SKIP no such thing here"; echo "1..2"'
stub recipes/other 'echo "1..1"; echo "ok 1"'
run recipes
check "passes and skips are counted" closes_with "2 passed, 0 failed, 1 skipped"
check "and the status is zero" test "$status" = 0
check "the reason of a skip is shown" says "recipes/good: b: no such thing here"

run recipes/other
check "one file can be named" closes_with "1 passed, 0 failed"
run tests/recipes/other.sh
check "by its path too" closes_with "1 passed, 0 failed"
run nothing/like/this
check "a name that fits nothing is an error" test "$status" != 0

stub recipes/bad 'echo "not ok 1 - the claim"; echo "# its output"; echo "1..1"; exit 1'
run
check "a failure is counted once" closes_with "2 passed, 1 failed, 1 skipped"
check "and shown" says "# its output"
check "and the status says so" test "$status" != 0
rm "$project/tests/recipes/bad.sh"

while IFS='|' read -r what body counts; do
    stub recipes/odd "$body"
    run recipes/odd
    check "$what is a failure" closes_with "$counts"
done <<'ODD'
a file without a plan|echo "ok 1"|1 passed, 1 failed
a file that prints nothing|exit 0|0 passed, 1 failed
a file with fewer tests than planned|echo "1..3"; echo "ok 1"|1 passed, 1 failed
a crash after the plan|echo "1..1"; echo "ok 1"; kill -SEGV $$|1 passed, 1 failed
a status that is not zero|echo "1..1"; echo "ok 1"; exit 3|1 passed, 1 failed
a bail-out|echo "1..1"; echo "ok 1"; echo "Bail out! no"|1 passed, 1 failed
ODD

nap=$((100000 + $$)) # seconds that nobody else sleeps
stub recipes/odd "echo '1..1'; echo 'ok 1'; sleep $nap & sleep $nap"
run recipes/odd
check "a file over its limit is a failure" closes_with "1 passed, 1 failed"
check "and its limit is named" says "ran over its limit"
check "and its whole process group is gone" nobody_sleeps "$nap"

# What a sanitizer would write: into the file that log_path names, with the process' number behind it.
report() { # seconds after which it comes, what follows it
    stub recipes/odd "path=\${ASAN_OPTIONS##*log_path=}; (sleep $1; echo 'ERROR: planted' >\$path.77)$2 echo '1..1'; echo 'ok 1'"
}
report 0 ";"
SAN=1 run recipes/odd
check "a report of a sanitizer is a failure" closes_with "1 passed, 1 failed"
check "and is shown" says "ERROR: planted"
report 0.5 " >/dev/null 2>&1 &"
stub recipes/slow 'sleep 1; echo "1..1"; echo "ok 1"'
SAN=1 run recipes/odd recipes/slow
check "also one that comes when its test has ended" closes_with "2 passed, 1 failed"
check "and is named" says "after the end of a test: build/san/tests-log/recipes-odd.report.77"
rm "$project/tests/recipes/slow.sh"

stub recipes/odd 'echo "1..0 # SKIP not on this machine"'
run recipes/odd
check "nothing passed is not a success" test "$status" != 0
check "but it is a skip" closes_with "0 passed, 0 failed, 1 skipped"
rm "$project/tests/recipes/odd.sh"

printf 'int main(void) { return 0; }\n' >"$project/tests/unit/unbuilt.c"
run unit
check "a program that does not build is an error" test "$status" != 0
finish
