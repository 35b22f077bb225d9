#!/bin/sh
# Makes the start-up cache of each architecture: the classes that a training run on this machine used, prepared by the
# virtual machine of the architecture, which runs under qemu-user where it is foreign. The list of classes is sorted and
# without what depends on timing, so that two builds make the same cache.
. "$(dirname "$0")/common.sh"

list=$work/classes
training=$work/training
rm -rf "$training"
mkdir -p "$training"
say "training run"
round_trip --brief --options "-Xshare:off -XX:DumpLoadedClassList=$training/classes.%p" "$training" "$training" \
    env EDGED_NO_CACHE=1 "$(image amd64)/bin/edged" >&2
cat "$training"/classes.* | grep -v '^[@#]' | sed 's/ id:.*//' | LC_ALL=C sort -u >"$list"
[ "$(wc -l <"$list")" -gt 1000 ] || die "the training run used $(wc -l <"$list") classes only"

for architecture in ${*:-$architectures}; do
    image=$(image "$architecture")
    cache=$image/lib/cache/$(sed -n 's|^cache=$home/lib/cache/||p' "$image/bin/edged")
    mkdir -p "$image/lib/cache"
    case $architecture in
        amd64) run= ;;
        arm64) run='qemu-aarch64-static' QEMU_CPU=cortex-a72 ;;
        riscv64) run='qemu-riscv64-static' QEMU_CPU=rv64 ;;
    esac
    export QEMU_CPU
    [ -z "$run" ] || command -v $run >/dev/null || die "$run is missing; install qemu-user-static"
    say "$architecture: start-up cache"
    jars=$(sed -n 's/^for jar in \(.*\); do$/\1/p' "$image/bin/edged")
    classpath=
    for jar in $jars; do classpath=$classpath${classpath:+:}$image/lib/app/$jar; done
    # shellcheck disable=SC2046
    if ! LOCPATH=$image/lib/locale MALLOC_ARENA_MAX=1 $run "$image/lib/sys/edged" --argv0 edged \
        --library-path "$image/lib/sys:$image/lib/runtime/lib:$image/lib/runtime/lib/server" "$image/lib/runtime/bin/java" \
        $(grep -v '^#' "$dist/flags") -Xshare:dump -XX:SharedClassListFile="$list" -XX:SharedArchiveFile="$cache" \
        -cp "$classpath" >"$work/cache-$architecture.log" 2>&1; then
        tail -n 20 "$work/cache-$architecture.log" >&2
        die "$architecture: the cache could not be made; all of it: $work/cache-$architecture.log"
    fi
    chmod 0644 "$cache"
done
