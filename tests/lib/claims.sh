# claims.sh - where a test runs a claim: TAP_RUN(claim) in C, ("claim" or "claim": async in JavaScript, claim "claim" in shell. Sourced.
# shellcheck shell=sh

claim_places() { # the test's source, the claim: line numbers
    grep -nF -e "TAP_RUN($2)" -e "(\"$2\"" -e "\"$2\": async" -e "claim \"$2\"" "$1" | cut -d : -f 1
}
