#!/bin/sh
# What the power cut boots: a kernel with its modules, a busybox, and a library that turns forces into nothing. `update`
# resolves the packages and pins them in guest.lock; `fetch` takes exactly what is pinned and unpacks it, and installs the
# programs that the harnesses call, where that is possible. What then is still missing, the harnesses name as they skip.
. "$(dirname "$0")/../dist/common.sh"
lock=$packaging/portability/guest.lock
# shellcheck disable=SC2034 # for apt.sh
renewal="make update-guest-lock"
. "$packaging/dist/apt.sh"

guest=$target/guest

update() {
    apt_ready
    mkdir -p "$packages"
    kernel=$(apt-cache depends linux-image-cloud-amd64:amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9][^: ]*\).*/\1/p' | head -n 1)
    [ -n "$kernel" ] || die "$suite has no linux-image-cloud-amd64"
    {
        echo "# The packages of the guest whose power is cut, made by make update-guest-lock; do not edit."
        echo "# architecture purpose package version sha256"
        echo "suite $suite"
        for package in "$kernel" busybox-static libeatmydata1; do
            found=$(apt-cache show --no-all-versions "$package:amd64" | awk '/^Version: /{v=$2} /^SHA256: /{s=$2} END{if (v && s) print v, s}')
            [ -n "$found" ] || die "$suite has no $package for amd64"
            echo "amd64 guest $package $found"
        done
    } >"$lock.new"
    [ "$(grep -c '^amd64 guest ' "$lock.new")" = 3 ] || die "not every package was found; guest.lock stays as it was"
    mv "$lock.new" "$lock"
    say "wrote $lock"
}

fetch() {
    [ -f "$lock" ] || die "packaging/portability/guest.lock is missing; make update-guest-lock writes it"
    stamp=$(sha256sum "$lock")
    [ "$(cat "$guest/stamp" 2>/dev/null)" = "$stamp" ] && return
    rm -rf "$guest"
    mkdir -p "$packages" "$guest"
    grep '^amd64 guest ' "$lock" >"$guest/locked"
    while read -r architecture _ package locked_version sha; do
        fetch_one "$architecture" guest "$package" "$locked_version" "$sha"
        dpkg-deb -x "$packages/$(file_name "$architecture" "$package" "$locked_version")" "$guest"
    done <"$guest/locked"
    echo "$stamp" >"$guest/stamp"
}

programs() {
    missing=
    while read -r program package; do
        command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing="$missing $package"
    done <<END
qemu-system-x86_64 qemu-system-x86
mkfs.ext4 e2fsprogs
mkfs.xfs xfsprogs
modprobe kmod
nbdfuse libnbd-bin
fusermount3 fuse3
END
    [ -z "$missing" ] && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "SKIP installing$missing: needs root and apt-get"
        return
    fi
    say "installing$missing"
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >/dev/null 2>&1 ||
        say "SKIP installing$missing: apt-get failed"
}

case ${1:-} in
    update) update ;;
    fetch)
        # With the machine's own sources, before apt-get is told of the guest's.
        programs
        fetch
        ;;
    *) die "usage: guest.sh update|fetch" ;;
esac
