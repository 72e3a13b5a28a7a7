#!/bin/bash
# check.sh - what `make check` looks at besides the tests: format, layers, sizes, shell scripts, routes, templates, words.
#
#   tools/check.sh             all checks
#   tools/check.sh NAME...     some of them: the names below without check_
#
# Each check prints what is wrong and one line with its verdict. The last line is `N checks passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
unset MAKEFLAGS MAKELEVEL MFLAGS # of a make that started us

# Files of the project: tracked or new, not ignored, and still there.
files() {
    git ls-files -co --exclude-standard -- "$@" | sort -u | while IFS= read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done
}

mapfile -t C_FILES < <(files '*.c' '*.h')

check_format() {
    clang-format --dry-run -Werror "${C_FILES[@]}" 2>&1 | grep 'error:' | sed 's/: code should be.*/: run make format/' | sort -u | head -n 40
}

check_layers() {
    awk -f tools/check-layers.awk "${C_FILES[@]}"
}

check_sizes() {
    awk -f tools/check-size.awk tools/check-size.txt "${C_FILES[@]}"
}

# Every file of code begins by saying what it is for.
check_beginnings() {
    local file
    for file in "${C_FILES[@]}"; do
        case $(head -c 3 "$file") in "/* "*) ;; *) echo "$file: begins without a comment that says what it is for" ;; esac
    done
}

# Every warning is an error with both compilers; gcc's turn is the build itself. Optimised, because some warnings need the data flow.
check_clang() {
    local log=build/check-clang.log
    if ! make -s -j"$(nproc)" --no-print-directory CC=clang B=build/clang objects >"$log" 2>&1; then
        grep -E 'error|warning' "$log" | head -n 20
        echo "clang has complaints (all of them: $log)"
    fi
}

check_shell() {
    local file list=() sourced=() # the latter have no #! line: something else sources them
    while IFS= read -r file; do
        if [ "$(head -c 2 "$file")" = '#!' ]; then list+=("$file"); else sourced+=("$file"); fi
    done < <(files 'recipes/*.sh' 'tools/*.sh' 'worker/runner/target/*.sh' 'tests/*.sh' 'packaging/*.sh' 'examples/*.sh' tests/run tests/mutants/run .ci/run)
    # SC1091: lib.sh is put in front of a recipe's script when it is sent. SC2034: others use what a sourced file sets.
    shellcheck -x -e SC1091 "${list[@]}" || true
    [ "${#sourced[@]}" = 0 ] || shellcheck -s sh -e SC2034 "${sourced[@]}" || true
}

# A route that forgot its capability, or that no test names by its pattern.
check_routes() {
    local method pattern capability end named count=0
    if [ ! -f cgi/routes.c ]; then
        echo "cgi/routes.c is missing"
        return
    fi
    while read -r method pattern capability; do
        count=$((count + 1))
        case $capability in
        CAP_NOBODY | "") echo "$method $pattern: no capability, so nobody may" ;;
        CAP_*) ;;
        *) echo "$method $pattern: $capability is not a capability" ;;
        esac
        named=()
        for end in '"' "'" '`'; do
            named+=(-e "$end$pattern$end" -e " $pattern$end")
        done
        grep -rqF --include='*.c' --include='*.h' --include='*.mjs' --include='*.sh' --include='*.json' --include='*.txt' "${named[@]}" tests ||
            echo "$method $pattern: no test under tests/ names this pattern"
    done < <(sed -n 's/^ *{METHOD_\([A-Z]*\), "\([^"]*\)", *\([A-Za-z_0-9]*\),.*/\1 \2 \3/p' cgi/routes.c)
    [ "$count" -gt 0 ] || echo "cgi/routes.c: no route was read"
    [ "$count" = "$(grep -c 'METHOD_[A-Z]*,' cgi/routes.c)" ] || echo "cgi/routes.c: a route is not written on one line"
}

check_templates() {
    local log=build/check-templates.log
    if [ ! -f tests/web/templates_render.c ]; then
        echo "tests/web/templates_render.c is missing"
    elif ! make -s -j"$(nproc)" --no-print-directory build/tests/web/templates_render >"$log" 2>&1; then
        tail -n 5 "$log"
        echo "the program that renders every template does not build (all of it: $log)"
    elif ! WL_STRICT=1 build/tests/web/templates_render >"$log" 2>&1; then
        grep -v '^ok' "$log" | head -n 40
        echo "a template does not render (all of it: $log)"
    fi
}

# Nothing of the machine it was written on, and no notes to oneself.
check_words() {
    local list words
    mapfile -t list < <(files ':!*.png' ':!*.ico' ':!*.svg' ':!*.woff2')
    words='T''ODO|F''IXME|X''XX|H''ACK'
    grep -InwE "$words" "${list[@]}" | cut -c1-160
    grep -InE '/wo''rk/|/tmp/w''l/|/home/[a-z]+/(src|work|project)' "${list[@]}" | cut -c1-160
    return 0
}

# docs/tests.md names a test file and claims of it in each row; both must be there. A row may say "to be named" while its file is not written.
check_claims() {
    local row file cell claim count=0
    . tests/lib/claims.sh
    while IFS= read -r row; do
        [[ $row =~ \]\(\.\./(tests/[^\)]*\.(c|sh|mjs))\) ]] || continue
        file=${BASH_REMATCH[1]}
        cell=${row%|*}
        cell=${cell##*|}
        count=$((count + 1))
        if [ ! -f "$file" ]; then
            [[ $cell == *"to be named"* ]] || echo "docs/tests.md: there is no $file"
            continue
        fi
        [[ $cell == *\`* ]] || echo "docs/tests.md: a row of $file names no claim:$cell"
        while [[ $cell =~ \`([^\`]+)\` ]]; do
            claim=${BASH_REMATCH[1]}
            cell=${cell#*"\`$claim\`"}
            [ -n "$(claim_places "$file" "$claim")" ] || echo "docs/tests.md: $file has no claim \"$claim\""
        done
    done < <(grep '^|' docs/tests.md)
    [ "$count" -gt 0 ] || echo "docs/tests.md: no row was read"
}

# Every planted fault can still be planted, and the claim that must notice it is there.
check_mutants() {
    tests/mutants/run --check
}

# The web programs must not hold what only the worker may: opening sealed values, SSH, outgoing connections.
check_symbols() {
    local program word
    make -s -j"$(nproc)" --no-print-directory build/bin/windlass-web build/bin/windlass-stream >build/check-symbols.log 2>&1 || {
        tail -n 5 build/check-symbols.log
        echo "the web programs do not build"
        return
    }
    for program in build/bin/windlass-web build/bin/windlass-stream; do
        for word in crypto_box_seal_open unseal_open vault_decrypt password_verify libssh2_ curl_easy; do
            { nm "$program" 2>/dev/null; nm -D "$program"; } | grep -q " $word" && echo "$program holds $word"
        done
        readelf -d "$program" | grep -E 'NEEDED.*(libssh2|libcurl)' | sed "s|^|$program: |"
    done
    return 0
}

ALL="format layers sizes beginnings shell words routes claims mutants templates symbols clang"
passed=0 failed=0
mkdir -p build
for name in "${@:-$ALL}"; do
    for check in $name; do
        if ! declare -F "check_$check" >/dev/null; then
            echo "no check is called $check; there are: $ALL"
            exit 2
        fi
        start=${EPOCHREALTIME/./}
        found=$("check_$check" 2>&1)
        took=$(((${EPOCHREALTIME/./} - start) / 100000))
        if [ -z "$found" ]; then
            passed=$((passed + 1))
            verdict=ok
        else
            failed=$((failed + 1))
            verdict=FAIL
            printf '%s\n' "$found" | sed 's/^/    | /'
        fi
        printf '  %-5s %-12s %d.%d s\n' "$verdict" "$check" $((took / 10)) $((took % 10))
    done
done
echo "$passed checks passed, $failed failed"
[ "$failed" = 0 ]
