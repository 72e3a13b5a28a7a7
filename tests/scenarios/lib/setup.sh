#!/bin/bash
# setup.sh - the scenarios need what the integration tests need: the lab's images.
set -u
exec "$(dirname "$0")/../../integration/lib/setup.sh"
