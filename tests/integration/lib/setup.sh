#!/bin/bash
# setup.sh - what the integration tests need once and what takes long: the lab's images, which are built and kept.
# tests/run calls it before the clock of the tests starts. Where it cannot, the tests themselves say what they lack.
set -u
cd "$(dirname "$0")/../../.." || exit 1
[ "$(id -u)" -eq 0 ] || exit 0
export WL_LAB_OWNER=$$
exec tests/lab/lab.sh setup
