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
    left=$2
    while [ "$left" -gt 0 ]; do
        left=$((left - 1))
        began=$(date +%s%N)
        # shellcheck disable=SC2016
        sh -c '"$@" >/dev/null && times' sh "$edged" lock verify --config "$scratch/edge.toml" >"$scratch/times" || die "edged lock verify failed"
        echo $((($(date +%s%N) - began) / 1000000)) >>"$scratch/clock"
        # The second line is of the children: user and system, as 0m1.23s.
        sed -n '2{s/m/ /g; s/s//g; p}' "$scratch/times" | awk '{printf "%d\n", ($1 * 60 + $2 + $3 * 60 + $4) * 1000}' >>"$scratch/processor"
    done
    middle=$(($2 / 2 + 1))
    echo "lock verify of the whole image after $(sort -n "$scratch/clock" | sed -n "${middle}p") ms (median of $2; at least" \
        "$(sort -n "$scratch/clock" | head -n 1)), processor time $(sort -n "$scratch/processor" | sed -n "${middle}p") ms"
    rm -rf "$scratch"
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
