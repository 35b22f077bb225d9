# What the tests of images in chroots share; they read it with "." after common.sh. Not a program.
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/report.sh"

chroots=$work/chroot
binfmt=/proc/sys/fs/binfmt_misc
registered=
leave_chroots() {
    for name in $registered; do echo -1 >"$binfmt/$name"; done
    for each in "$chroots"/*; do
        umount "$each/proc" 2>/dev/null || true
        umount "$each/dev" 2>/dev/null || true
    done
}
trap leave_chroots EXIT
trap 'exit 1' INT TERM HUP

# Lets the kernel start programs of the other architectures; fails with the reason in $obstacle.
register_emulators() {
    obstacle="needs root"
    [ "$(id -u)" = 0 ] || return 1
    obstacle="qemu-user-static is not installed"
    command -v qemu-aarch64-static >/dev/null && command -v qemu-riscv64-static >/dev/null || return 1
    obstacle="binfmt_misc cannot be mounted"
    [ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt 2>/dev/null || return 1
    obstacle="binfmt_misc takes no entry"
    register edged-aarch64 '\xb7' /usr/bin/qemu-aarch64-static && register edged-riscv64 '\xf3' /usr/bin/qemu-riscv64-static
}
register() { # name, machine as escaped bytes, emulator
    [ ! -e "$binfmt/$1" ] || return 0
    mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    printf '%s' ":$1:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00$2\\x00:$mask:$3:OCPF" >$binfmt/register &&
        registered="$registered $1"
}

# The processor that is emulated for an architecture, for the programs that are started next.
emulate() {
    case $1 in arm64) export QEMU_CPU=cortex-a72 ;; *) unset QEMU_CPU ;; esac
}

# An empty tree with /proc, /dev and /tmp, as whoever starts programs in one provides it.
new_chroot() {
    umount "$1/proc" 2>/dev/null || true
    umount "$1/dev" 2>/dev/null || true
    rm -rf "$1"
    mkdir -p "$1/proc" "$1/dev" "$1/tmp"
    chmod 1777 "$1/tmp"
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/dev"
    for device in null:3 zero:5 random:8 urandom:9; do mknod -m 666 "$1/dev/${device%:*}" c 1 "${device#*:}"; done
}
