#!/bin/sh
# Installs what a release is made and tested with, where that is possible. What then is still missing, the scripts name.
set -u
missing=
while read -r program package; do
    command -v "$program" >/dev/null || missing="$missing $package"
done <<END
zstd zstd
xz xz-utils
ar binutils
unzip unzip
qemu-aarch64-static qemu-user-static
aarch64-linux-gnu-strip binutils-aarch64-linux-gnu
riscv64-linux-gnu-strip binutils-riscv64-linux-gnu
debootstrap debootstrap
lintian lintian
skopeo skopeo
shellcheck shellcheck
END
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "SKIP installing$missing: needs root and apt-get"
    exit 0
fi
echo "installing for a release:$missing"
# shellcheck disable=SC2086
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >/dev/null 2>&1 ||
    echo "SKIP installing$missing: apt-get failed"
exit 0
