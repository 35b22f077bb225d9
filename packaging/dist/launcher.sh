#!/bin/sh
# Starts edged on the runtime, the loader and the C library that lie beside it; nothing of this machine's libc is used.
# Built for @arch@. Options for the virtual machine go into EDGED_OPTS.
set -u

fail() {
    echo "edged: $*" >&2
    exit 70
}

path=$0
while [ -L "$path" ]; do
    link=$(readlink "$path") || fail "cannot follow the link $path: readlink is missing; call edged by its own path"
    case $link in /*) path=$link ;; *) path=${path%/*}/$link ;; esac
done
case $path in */*) home=${path%/*}/.. ;; *) home=.. ;; esac
home=$(cd "$home" && pwd -P) || fail "cannot enter $home; are the permissions those of the package?"

# The wrong build would end in a message of the kernel, or in a crash of the virtual machine.
machine=$(uname -m 2>/dev/null) || machine=
case $machine in
    x86_64 | amd64) here=amd64 ;;
    aarch64 | arm64) here=arm64 ;;
    riscv64) here=riscv64 ;;
    '') here=@arch@ ;;
    *) fail "this is the build for @arch@, but this machine is $machine; there are builds for amd64, arm64 and riscv64 only" ;;
esac
[ "$here" = @arch@ ] ||
    fail "this is the build for @arch@, but this machine is $here ($machine); install edged-@version@-linux-$here or edged_@version@_$here.deb"

page=$(getconf PAGESIZE 2>/dev/null) || page=
if [ -z "$page" ] && [ -r /proc/self/smaps ]; then
    while read -r key value _; do
        if [ "$key" = KernelPageSize: ]; then
            page=$((value * 1024))
            break
        fi
    done </proc/self/smaps
fi
case " @pages@ " in
    *" ${page:=unknown} "* | *" unknown "*) ;;
    *) [ "$page" = unknown ] ||
        fail "this build runs with memory pages of @pages@ bytes, but this kernel has pages of $page; start a kernel with one of those sizes" ;;
esac

# The class path is a list, not a directory: its order is the same everywhere, and the cache depends on it. A jar that
# is not as old as the cache was not built with it, and then the cache holds classes of another build.
cache=$home/lib/cache/@cache@
[ -z "${EDGED_NO_CACHE:-}" ] && [ -r "$cache" ] || cache=
classpath=
for jar in @jars@; do
    jar=$home/lib/app/$jar
    classpath=$classpath${classpath:+:}$jar
    if [ -n "$cache" ] && { [ "$jar" -nt "$cache" ] || [ "$jar" -ot "$cache" ]; }; then
        echo "edged: $jar is not of the same build as the start-up cache, which is left out; starting takes longer" >&2
        cache=
    fi
done

# What the environment says about another Java or another C library is not for this one.
unset LD_LIBRARY_PATH LD_PRELOAD LD_AUDIT JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH
LOCPATH=$home/lib/locale LC_ALL=C.UTF-8 MALLOC_ARENA_MAX=1
export LOCPATH LC_ALL MALLOC_ARENA_MAX

# EDGED_OPTS comes last, so it wins.
# shellcheck disable=SC2086
exec "$home/lib/sys/edged" --argv0 edged --library-path "$home/lib/sys:$home/lib/runtime/lib:$home/lib/runtime/lib/server" \
    "$home/lib/runtime/bin/java" @flags@ ${cache:+"-XX:SharedArchiveFile=$cache"} ${EDGED_OPTS:-} -cp "$classpath" io.edged.cli.Edged "$@"
