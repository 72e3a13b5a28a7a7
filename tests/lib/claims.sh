# claims.sh - where a test runs a claim: TAP_RUN(claim) in C, a call that begins ("claim" in JavaScript, claim "claim" in shell. Sourced.
# shellcheck shell=sh

claim_places() { # the test's source, the claim: line numbers
    grep -nF -e "TAP_RUN($2)" -e "(\"$2\"" -e "claim \"$2\"" "$1" | cut -d : -f 1
}
