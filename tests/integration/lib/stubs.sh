# stubs.sh - for tests of what runs tests, in a project of stubs: TAP, and looking at what was said (in $project/said) and what still runs. Sourced.
# shellcheck shell=sh disable=SC2154
count=0
failed=0

check() { # title, then a command that must succeed
    title=$1
    shift
    count=$((count + 1))
    if "$@"; then
        echo "ok $count - $title"
    else
        failed=$((failed + 1))
        echo "not ok $count - $title"
        sed 's/^/# /' "$project/said"
    fi
}

closes_with() { [ "$(tail -n 1 "$project/said")" = "$1" ]; }
says() { grep -qF -- "$1" "$project/said"; }

is_asleep() { # seconds: whether a `sleep` of so many runs anywhere
    for each in /proc/[0-9]*/cmdline; do
        [ -r "$each" ] || continue
        if [ "$(tr '\0' ' ' 2>/dev/null <"$each")" = "sleep $1 " ]; then
            return 0
        fi
    done
    return 1
}
nobody_sleeps() { ! is_asleep "$1"; }

finish() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
}
