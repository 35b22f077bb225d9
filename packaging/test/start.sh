#!/bin/sh
# What an image weighs and how soon it works: its size packed and unpacked, the time from its start to the first request
# that it acknowledges, what it keeps in memory when idle, and how long it takes to fingerprint itself. Foreign images only
# say their size: an emulator's times are not the architecture's.
. "$(dirname "$0")/../dist/common.sh"

# Writes a lock of the image as it is installed, and verifies it again and again.
lock_bench() { # architecture, times
    scratch=$(mktemp -d)
    cp "$root/config/edge.toml" "$scratch/edge.toml"
    edged=$(image "$1")/bin/edged
    "$edged" lock write --config "$scratch/edge.toml" >/dev/null
    millis=$(
        times=$2
        while [ "$times" -gt 0 ]; do
            times=$((times - 1))
            began=$(date +%s%N)
            "$edged" lock verify --config "$scratch/edge.toml" >/dev/null || exit 1
            echo $((($(date +%s%N) - began) / 1000000))
        done | sort -n
    )
    rm -rf "$scratch"
    wanted=$2
    # shellcheck disable=SC2086
    set -- $millis
    [ $# = "$wanted" ] || die "edged lock verify failed"
    least=$1
    shift $((wanted / 2))
    echo "lock verify of the whole image after $1 ms (median; at least $least)"
}

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
        lock_bench amd64 "${STARTS:-11}"
        echo "without the cache:"
        EDGED_NO_CACHE=1 start_bench amd64 "${STARTS:-11}" 12
    else
        echo "  the round trip of make test-dist says how soon it works under the emulator"
    fi
done
