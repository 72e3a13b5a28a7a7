# recipe.sh - for tests of step scripts: TAP, and running one script the way the runner would, under a chosen shell in a scratch home. Sourced.
# shellcheck shell=sh disable=SC2154
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
tap_count=0
tap_failed=0
trouble=

claim() { # ends the claim before it, if any, and begins one
    end_claim
    claim_name="$1 ($shell_name)"
}

end_claim() {
    if [ -n "${claim_name:-}" ]; then
        tap_count=$((tap_count + 1))
        if [ -n "$trouble" ]; then
            tap_failed=$((tap_failed + 1))
            echo "not ok $tap_count - $claim_name"
        else
            echo "ok $tap_count - $claim_name"
        fi
        if [ "$claim_name" = "${WL_TEST_UNTIL:-} ($shell_name)" ]; then # nothing after it runs (tests/mutants)
            claim_name=
            finish
            exit
        fi
    fi
    claim_name=
    trouble=
}

check() { # what is claimed, then a command that must succeed
    text=$1
    shift
    if ! "$@"; then
        trouble=yes
        echo "# not so: $text"
        [ ! -s "$log" ] || tail -n 5 "$log" | sed 's/^/#   /'
    fi
}

check_not() { # what is claimed, then a command that must fail
    text=$1
    shift
    if "$@"; then
        trouble=yes
        echo "# not so: $text"
        [ ! -s "$log" ] || tail -n 5 "$log" | sed 's/^/#   /'
    fi
}

finish() {
    end_claim
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
}

# With busybox all tools are busybox's as well, as on a small server.
choose_shell() { # dash or busybox
    shell_name=$1
    case $1 in
    dash) SH=dash ;;
    busybox)
        SH="sh"
        mkdir -p "$scratch/busybox"
        busybox --install -s "$scratch/busybox"
        ;;
    esac
    HOME=$scratch/home-$1
    mkdir -p "$HOME"
    export HOME
    log=$scratch/log
    : >"$log"
}

in_shell() { # a command with the chosen tools; with only_few, with nothing but what is in $scratch/few
    if [ -n "${only_few:-}" ]; then
        PATH=$scratch/few "$@"
    elif [ "$shell_name" = busybox ]; then
        PATH=$scratch/fakes:$scratch/busybox:$PATH "$@"
    else
        PATH=$scratch/fakes:$PATH "$@"
    fi
}

assign() { # NAME=value ...: the lines the runner would write
    for pair in "$@"; do
        case ${pair#*=} in
        *"'"*) quoted=$(printf '%s.' "${pair#*=}" | sed "s/'/'\\\\''/g") ;; # the dot keeps line breaks at the end
        *) quoted=${pair#*=}. ;;
        esac
        printf "%s='%s'\n" "${pair%%=*}" "${quoted%.}"
    done
}

find_script() { # file, further folder: the recipe's own, or that of the recipe which it is like
    for folder in "$from" ${2:+"$2"} ${like:+"$top/recipes/$like"}; do
        [ ! -f "$folder/$1" ] || { cat "$folder/$1" && return; }
    done
}

run_step() { # script of the recipe (release, or $recipe), NAME=value ...; its status; output in $log, results in $results
    name=$1
    shift
    results=$scratch/result
    rm -f "$results"
    : >"$results"
    from=$top/recipes/${recipe:-release}
    like=$(sed -n 's/^ *"like": "\([a-z]*\)",$/\1/p' "$from/recipe.json")
    {
        cat "$top/recipes/lib.sh"
        for shared in $(sed -n 's/^ *"shared": \[\(.*\)\],$/\1/p' "$from/recipe.json" | tr -d '",'); do find_script "$shared" "$top/recipes"; done
        find_script common.sh
        find_script "$name.sh"
    } >"$scratch/script"
    [ -z "${only_few:-}" ] || sed -i '/^PATH=/d' "$scratch/script"
    assign WL_JOB="$job" WL_NONCE=n0 WL_EPOCH=3 WL_LOCK_DIR="$scratch/lock" WL_JOB_DIR="$scratch" WL_APP=shop WL_ENV=production \
        WL_VERSION="$version" WL_RELEASE="$number" WL_RELEASE_ID="$release" WL_ARTEFACT="$scratch/artefact" \
        WL_ARTEFACT_SHA256="$sha256" WL_ARTEFACT_SIZE=1000 WL_SET_DEPLOY_DIR=apps/shop WL_SET_PORT="$port" WL_SET_KEEP=2 "$@" >"$scratch/input"
    [ -z "${more_input:-}" ] || cat "$more_input" >>"$scratch/input"
    printf 'instance=i\nenvironment=lock\njob=%s\nepoch=3\n' "$lock_job" >"$scratch/lock/owner"
    in_shell env WL_RESULT="$results" "$SH" "$scratch/script" <"$scratch/input" >"$log" 2>&1
}

cause_has() { grep -q "^cause=.*$1" "$results"; }
says() { grep -q -e "$1" "$log"; }

free_port() { # a port nothing listens on, ten away from those of tests that run at the same time: some take the one behind it as well
    candidate=$((21650 + $$ % 400 * 10))
    while awk -v port="$candidate" 'BEGIN { hex = sprintf("%04X", port) } FNR > 1 { split($2, a, ":"); if (a[2] == hex) bad = 1 } END { exit !bad }' /proc/net/tcp; do
        candidate=$((candidate + 1))
    done
    echo "$candidate"
}
