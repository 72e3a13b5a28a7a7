#!/bin/bash
# setup.sh - what the integration tests need once and what takes long: two root file systems, fetched by mmdebstrap and kept.
# tests/run calls it before the clock of the tests starts. Where it cannot, the tests themselves say what they lack.
set -u
cd "$(dirname "$0")/../../.." || exit 1
[ "$(id -u)" -eq 0 ] || exit 0

# A bare Debian 12, for boot_links.sh.
mkdir -p build/cache
if [ ! -s build/cache/bookworm-minbase.tar ]; then
    mmdebstrap --quiet --variant=minbase bookworm build/cache/part-$$.tar && mv build/cache/part-$$.tar build/cache/bookworm-minbase.tar
fi

# The image of a machine with systemd, for container.sh.
. tests/integration/lib/container.sh
trap container_cleanup EXIT
container_engine && container_image >/dev/null
