# What the scripts beside this file share; they run it with ".". Not a program.
# shellcheck shell=sh
# shellcheck disable=SC2034
set -eu
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
umask 022

dist=$(cd "$(dirname "$0")" && pwd -P)
packaging=$(dirname "$dist")
root=$(dirname "$packaging")
target=${EDGED_DIST_TARGET:-$packaging/target}
packages=$packaging/target/packages
work=$target/dist
lock=$packaging/runtime.lock

# Packages whose files end up in an image, whose programs make it, and that only tests need.
suite=trixie
architectures='amd64 arm64 riscv64'
# Those that this run makes anew; the images of the others stay as an earlier run left them.
chosen=$(echo "${ARCHITECTURES:-$architectures}" | tr ',' ' ')
image_packages='openjdk-25-jdk-headless libc6 libc-bin zlib1g libstdc++6 libgcc-s1 gcc-14-base'
tool_packages='openjdk-25-jre-headless'
test_packages='busybox-static'

say() { echo "dist: $*" >&2; }
die() {
    say "$*"
    exit 1
}

version=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' "$root/pom.xml" | head -n 1)

# Every file of a release bears the time of its commit, so that two builds of it are the same and those of two
# commits differ.
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null)} || epoch=
[ -n "$epoch" ] || epoch=$(date -d "$(sed -n 's|.*<project.build.outputTimestamp>\(.*\)</.*|\1|p' "$root/pom.xml")" +%s)
SOURCE_DATE_EPOCH=$epoch
export SOURCE_DATE_EPOCH

triplet() {
    case $1 in
        amd64) echo x86_64-linux-gnu ;;
        arm64) echo aarch64-linux-gnu ;;
        riscv64) echo riscv64-linux-gnu ;;
        *) die "no such architecture: $1; there are $architectures" ;;
    esac
}

loader() {
    case $1 in
        amd64) echo ld-linux-x86-64.so.2 ;;
        arm64) echo ld-linux-aarch64.so.1 ;;
        riscv64) echo ld-linux-riscv64-lp64d.so.1 ;;
    esac
}

# What runs the programs of an architecture on this machine; nothing for its own. The processor that is emulated is one
# that the emulator is fast at.
emulator() {
    case $1 in
        amd64) return 0 ;;
        arm64) set -- qemu-aarch64-static cortex-a72 ;;
        riscv64) set -- qemu-riscv64-static rv64 ;;
    esac
    command -v "$1" >/dev/null || die "$1 is missing; install qemu-user-static"
    echo "env QEMU_CPU=$2 $1"
}

# Page sizes that the runtime of an architecture takes; the build compares them with its files.
page_sizes() {
    case $1 in
        arm64) echo 4096 16384 65536 ;;
        *) echo 4096 ;;
    esac
}

for each in $chosen; do triplet "$each" >/dev/null; done

image() { echo "$work/edged-$version-linux-$1"; }

unpacked() { echo "$work/packages/$1"; }

# Runs a program of the pinned JDK for this machine, on the C library that came with it.
jdk() {
    program=$1
    shift
    tools=$(unpacked tools)
    home=$tools/usr/lib/jvm/java-25-openjdk-amd64
    lib=$tools/usr/lib/x86_64-linux-gnu
    "$lib/$(loader amd64)" --library-path "$lib:$home/lib:$home/lib/server" "$home/bin/$program" "$@"
}

# One of the build's own programs.
tool() {
    class=$1
    shift
    jdk java -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$packaging/target/test-classes:$packaging/target/edged/lib/*" \
        "io.edged.dist.$class" "$@"
}

# The round trip of a built image. The child processes of the pinned JDK would start on this machine's C library.
round_trip() {
    jdk java -XX:+UseSerialGC -Djdk.lang.Process.launchMechanism=FORK -cp "$packaging/target/test-classes:$packaging/target/edged/lib/*" \
        io.edged.packaging.RoundTrip "$@"
}

# Start after start of an image for this machine, or under the emulator.
start_bench() { # architecture, starts, seconds idle
    directory=$(mktemp -d)
    # shellcheck disable=SC2046
    jdk java -XX:+UseSerialGC -Djdk.lang.Process.launchMechanism=FORK -cp "$packaging/target/test-classes:$packaging/target/edged/lib/*" \
        io.edged.packaging.StartBench "$2" "$3" "$directory" "$(image "$1")/bin/edged"
    rm -rf "$directory"
}
