#!/bin/bash
# shellcheck disable=SC2016 # what is planted is not for this shell
# mutants.sh - tests/mutants/run itself: a project of stubs, and which planted faults count as noticed.
set -u
cd "$(dirname "$0")/../.." || exit 1
project=$(mktemp -d /tmp/wl-mutants-test.XXXXXX)
trap 'rm -rf "$project"' EXIT
. tests/integration/lib/stubs.sh

# --- the project: a program of one file, a test with three claims -----------------------------------------------------

mkdir -p "$project"/{tools,src,tmp,tests/{lib,mutants,recipes}}
cp tests/run "$project/tests/run"
cp tests/lib/claims.sh "$project/tests/lib/"
cp tests/mutants/{run,plant.awk} "$project/tests/mutants/"
printf '#!/bin/sh\n' >"$project/tools/deps.sh"
cat >"$project/src/answer" <<'END'
#!/bin/sh
# said once
case $1 in
sum) echo 3 ;;
greeting) printf '%s\n' 'hello & \1' ;;
esac
# said twice
# said twice
END
cat >"$project/Makefile" <<'END'
all: build/bin/answer
build/bin/answer: src/answer
	@mkdir -p build/bin
	@! grep -q 'does not build' $<
	@cp $< $@
END
cat >"$project/tests/recipes/answers.sh" <<'END'
#!/bin/bash
n=0 bad=0
claim() { # name, got, wanted
    n=$((n + 1))
    if [ "$2" = "$3" ]; then echo "ok $n - $1${4:-}"; else
        bad=1
        echo "# got $2"
        echo "not ok $n - $1"
    fi
    [ "$1" != "${WL_TEST_UNTIL:-}" ] || end
}
end() {
    echo "1..$n"
    exit "$bad"
}
sum=$(build/bin/answer sum)
[ "$sum" != crash ] || kill -KILL $$
claim "the greeting is right" "$(build/bin/answer greeting)" "hello & \\1"
claim "the sum is right" "$sum" 3
claim "the moon is asked" 1 1 " # SKIP there is no moon"
[ ! -f slow ] || sleep "$(cat slow)"
claim "what is red as things are" 1 2
end
END
printf '/build/\n/tmp/\n/said\n' >"$project/.gitignore"
chmod +x "$project"/{tools/deps.sh,src/answer,tests/recipes/answers.sh}
git -C "$project" init -q

mutant() { # name, claim; before and after on standard input
    {
        printf 'fault: %s\nwhy: a test\nfile: src/answer\ntest: recipes/answers\nclaim: %s\n' "$1" "$2"
        cat
    } >"$project/tests/mutants/$1.mutant"
}
change() { # before, after
    printf -- '--- before\n%s\n--- after\n%s\n' "$1" "$2"
}
change 'sum) echo 3 ;;' 'sum) echo 4 ;;' | mutant noticed "the sum is right"
{
    change '# said once' '# said "$once" & \1'
    change "greeting) printf '%s\n' 'hello & \1' ;;" 'greeting) echo "hello & $USER \1 \\" ;;'
} | mutant noticed-too "the greeting is right"

run() {
    (cd "$project" && TMPDIR=$project/tmp tests/mutants/run "$@") >"$project/said" 2>&1
    status=$?
}
fails() { [ "$status" != 0 ]; }
leaves_nothing() { [ -z "$(ls "$project/tmp")" ]; }

# --- what counts ------------------------------------------------------------------------------------------------------

run
check "faults that their claims notice pass, and each claim was green before" closes_with "4 passed, 0 failed"
check "and the status is zero" test "$status" = 0
check "what the claim saw is shown" says "#   got 4"
check "the tree is as it was" grep -qx 'sum) echo 3 ;;' "$project/src/answer"
check "and so is what was built from it" test "$("$project/build/bin/answer" sum)" = 3
check "nothing is left" leaves_nothing
run noticed
check "one can be named" closes_with "2 passed, 0 failed"

change '# said once' '# said otherwise' | mutant odd "the sum is right"
run odd
check "a fault that nobody notices fails" closes_with "1 passed, 1 failed"
check "and the status says so" fails
check "and what happened is told" says "the claim holds all the same"

change "greeting) printf '%s\n' 'hello & \1' ;;" 'greeting) echo "good-bye" ;;' | mutant odd "the sum is right"
run odd
check "another claim alone does not count" closes_with "1 passed, 1 failed"
check "and is named" says "another claim: not ok 1 - the greeting is right"

change '# said once' '# does not build' | mutant odd "the sum is right"
run odd
check "a fault that does not build does not count" closes_with "1 passed, 1 failed"
check "and the reason is told" says "the build failed"

change 'sum) echo 3 ;;' 'sum) echo crash ;;' | mutant odd "the sum is right"
run odd
check "a test that crashes before the claim does not count" closes_with "1 passed, 1 failed"
check "and that is told" says "the claim was not reached"

change 'sum) echo 3 ;;' 'sum) echo 4 ;;' | mutant odd "what is red as things are"
run odd
check "a claim that is red as things are can notice nothing" closes_with "0 passed, 2 failed"

change 'sum) echo 3 ;;' 'sum) echo 4 ;;' | mutant odd "the moon is asked"
run odd
check "nor can one that is skipped" closes_with "0 passed, 2 failed"

# --- what can no longer be planted ------------------------------------------------------------------------------------

while IFS='|' read -r what before claim words; do
    change "$before" "anything" | mutant odd "$claim"
    run odd
    check "$what is an error" closes_with "0 passed, 1 failed"
    check "and the reason is told" says "$words"
    run --check
    check "also without running anything" fails
    check "with the name of the file" says "tests/mutants/odd.mutant: "
done <<'ODD'
a text that is gone|sum) echo 5 ;;|the sum is right|does not stand in the file
a text that is only part of a line|sum) echo|the sum is right|does not stand in the file
a text that stands there twice|# said twice|the sum is right|more than once
a claim that is gone|# said once|the sum is wrong|has no claim
ODD
printf 'fault: x\nwhy: y\ncolour: red\n' >"$project/tests/mutants/odd.mutant"
run --check
check "a file that is not understood is an error" fails
rm "$project/tests/mutants/odd.mutant"
run --check
check "the others are fine" test "$status" = 0
run nobody
check "a name that is nobody's is an error" closes_with "0 passed, 1 failed"

# --- interrupted ------------------------------------------------------------------------------------------------------

nap=$((200000 + $$)) # seconds that nobody else sleeps
echo "$nap" >"$project/slow"
change 'sum) echo 3 ;;' 'sum) echo 4 ;;' | mutant odd "what is red as things are"
(cd "$project" && TMPDIR=$project/tmp exec tests/mutants/run odd) >"$project/said" 2>&1 &
pid=$!
for ((i = 0; i < 300; i++)); do
    nobody_sleeps "$nap" || break
    sleep 0.1
done
check "a test is under way" is_asleep "$nap"
kill -TERM "$pid"
wait "$pid"
check "an interrupted run leaves no folder" leaves_nothing
for ((i = 0; i < 50; i++)); do
    is_asleep "$nap" || break
    sleep 0.1
done
check "and no process" nobody_sleeps "$nap"
finish
