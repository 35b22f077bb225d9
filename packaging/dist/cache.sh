#!/bin/sh
# Makes the start-up cache of each architecture: the classes that training runs on this machine used, linked by the
# virtual machine of the architecture, which runs under qemu-user where it is foreign. Two builds of one commit make
# the same cache: what is in it does not depend on the timing of the training (ClassList, invokers), and each cache is made twice,
# which shows where the clock of the machine stands in it (CacheClock). Nothing is compiled and no garbage collected
# meanwhile: at another moment both would leave other things behind. And the threads of the virtual machine take turns in
# one order, where this user may ask for that: every name that they meet takes the next number of one random sequence, by
# which tables are laid out.
. "$(dirname "$0")/common.sh"

# The training runs on this machine, in the image for it.
[ -x "$(image amd64)/bin/edged" ] || die "the image of amd64 is missing; the training runs in it"
training=$work/training
train() { # directory
    rm -rf "$1"
    mkdir -p "$1"
    # Interpreted: compiled code uses a class at another time, or not at all. The library's sampling is by chance.
    round_trip --brief --options "-Xint -Dio.netty.leakDetection.level=paranoid -Xshare:off -XX:DumpLoadedClassList=$1/classes.%p" "$1" "$1" \
        env EDGED_NO_CACHE=1 "$(image amd64)/bin/edged" >&2
}
invokers() { # lists of training runs
    grep -h '^@lambda-form-invoker ' "$@" | sort -u
}

# In which forms method handles are invoked depends on what a run comes across, a message about a thread that is not there
# yet for example. So they are pinned, and what is missing there is made at the start of the daemon.
if [ "${1:-}" = update ]; then
    rm -rf "$training"
    for each in 1 2 3 4 5; do
        say "training run $each of 5"
        train "$training/$each"
    done
    {
        echo "# The forms of invocation that are made ahead for a start-up cache, by make update-invokers; do not edit."
        invokers "$training"/*/classes.*
    } >"$dist/invokers.new"
    mv "$dist/invokers.new" "$dist/invokers"
    say "wrote $dist/invokers"
    exit 0
fi
[ -f "$dist/invokers" ] || die "packaging/dist/invokers is missing; make update-invokers writes it"

say "training run"
train "$training"
classes=$(cat "$training"/classes.* | grep -v '^[@#]' | sed 's/ id:.*//' | sort -u | wc -l)
[ "$classes" -gt 1000 ] || die "the training run used $classes classes only"
grep -v '^#' "$dist/invokers" >"$work/invokers"
new=$(invokers "$training"/classes.* | comm -13 "$work/invokers" - | wc -l)
[ "$new" = 0 ] || say "$new forms of invocation are not in packaging/dist/invokers and left to each start; make update-invokers adds them"

# On one processor, without being interrupted by each other.
steady=
first_processor=$(taskset -cp $$ 2>/dev/null | sed 's/.*: \([0-9]*\).*/\1/')
if [ -n "$first_processor" ] && chrt -f 1 true 2>/dev/null; then
    steady="taskset -c $first_processor chrt -f 1"
else
    say "no real-time scheduling for this user: the cache may be laid out otherwise than in another build"
fi

up_millis() { sed 's/\([0-9]*\)\.\([0-9]*\) .*/\1\20/' /proc/uptime; }

for architecture in $chosen; do
    image=$(image "$architecture")
    cache=$image/lib/cache/$(sed -n 's|^cache=$home/lib/cache/||p' "$image/bin/edged")
    mkdir -p "$image/lib/cache"
    run=$(emulator "$architecture")
    say "$architecture: start-up cache"
    tool ClassList "$image" "$work/classes-$architecture" "$dist/invokers" "$training"/classes.*
    # Names relative to the image, so that its place does not get into the cache.
    classpath=$(sed -n 's/^for jar in \(.*\); do$/\1/p' "$image/bin/edged" | tr ' ' '\n' | sed 's|^|lib/app/|' | paste -sd :)
    make_cache() { # to where; leaves the words that CacheClock wants in $made
        rm -f "$1"
        from=$(up_millis)
        # shellcheck disable=SC2046
        if ! (cd "$image" && LOCPATH=lib/locale MALLOC_ARENA_MAX=1 $steady $run lib/sys/edged --argv0 edged \
            --library-path lib/sys:lib/runtime/lib:lib/runtime/lib/server lib/runtime/bin/java \
            $(grep -v '^#' "$dist/flags") -Xint -Xms192m -Xmn160m -XX:+AOTClassLinking -Xshare:dump \
            -XX:SharedClassListFile="$work/classes-$architecture" \
            -XX:SharedArchiveFile="$1" -cp "$classpath" >"$work/cache-$architecture.log" 2>&1) || [ ! -s "$1" ]; then
            tail -n 20 "$work/cache-$architecture.log" >&2
            die "$architecture: the cache could not be made; all of it: $work/cache-$architecture.log"
        fi
        made="$1 $from $(up_millis)"
    }
    make_cache "$cache"
    first=$made
    tries=1
    while :; do
        make_cache "$work/cache-$architecture.second"
        # shellcheck disable=SC2086
        if tool CacheClock $first $made; then break; fi
        tries=$((tries + 1))
        [ $tries -le 8 ] || die "$architecture: no two caches in a row are the same"
        say "$architecture: two caches differ, making another"
        mv "$work/cache-$architecture.second" "$cache"
        first="$cache ${made#* }"
    done
    rm -f "$work/cache-$architecture.second"
    touch -d "@$epoch" "$cache"
    chmod 0644 "$cache"
done
