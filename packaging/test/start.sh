#!/bin/sh
# What an image weighs and how soon it works: its size packed and unpacked, the time from its start to the first request
# that it acknowledges, and what it keeps in memory when idle. Foreign images start where binfmt_misc knows them.
. "$(dirname "$0")/../dist/common.sh"

for architecture in $chosen; do
    archive=$target/edged-$version-linux-$architecture.tar.zst
    [ -f "$archive" ] || {
        echo "SKIP $architecture: no image; make dist makes it"
        continue
    }
    unpacked_bytes=$(find "$(image "$architecture")" -type f -printf '%s\n' | awk '{sum += $1} END {print sum}')
    echo "$architecture: $(stat -c %s "$archive") bytes packed, $unpacked_bytes unpacked"
    if [ "$architecture" = amd64 ] && [ "$(uname -m)" = x86_64 ]; then
        start_bench amd64 "${STARTS:-11}" 12
        echo "without the cache:"
        EDGED_NO_CACHE=1 start_bench amd64 "${STARTS:-11}" 12
    else
        echo "  the round trip of make test-dist says how soon it works under the emulator"
    fi
done
