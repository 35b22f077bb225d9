#!/bin/sh
# Makes the Debian package of one architecture from its image, on any architecture.
. "$(dirname "$0")/common.sh"

architecture=$1
image=$(image "$architecture")
tree=$work/deb-$architecture
rm -rf "$tree"
mkdir -p "$tree/usr/lib" "$tree/usr/bin" "$tree/etc/edged" "$tree/usr/lib/systemd/system" "$tree/usr/lib/sysusers.d" \
    "$tree/usr/lib/tmpfiles.d" "$tree/usr/share/doc/edged" "$tree/usr/share/man/man8" "$tree/usr/share/lintian/overrides" "$tree/DEBIAN"

say "$architecture: Debian package"
cp -a "$image" "$tree/usr/lib/edged"
ln -s ../lib/edged/bin/edged "$tree/usr/bin/edged"
# The unit makes the directory of the socket, so that here it can be on.
sed 's|^events_socket = ""|events_socket = "/run/edged/events.sock"|' "$root/config/edge.toml" >"$tree/etc/edged/edge.toml"
cp "$root/systemd/edged.service" "$root/systemd/edged-precheck.service" "$tree/usr/lib/systemd/system/"
cp "$root/systemd/edged.sysusers" "$tree/usr/lib/sysusers.d/edged.conf"
cp "$root/systemd/edged.tmpfiles" "$tree/usr/lib/tmpfiles.d/edged.conf"
gzip -9n <"$packaging/debian/edged.8" >"$tree/usr/share/man/man8/edged.8.gz"
for page in "$image"/share/man/man8/*.8; do
    [ -e "$page" ] || continue
    gzip -9n <"$page" >"$tree/usr/share/man/man8/$(basename "$page").gz"
done
if [ -e "$image/share/completions/edged" ]; then
    mkdir -p "$tree/usr/share/bash-completion/completions"
    cp "$image/share/completions/edged" "$tree/usr/share/bash-completion/completions/edged"
fi
mkdir -p "$tree/usr/share/edged/monitoring"
cp "$root"/config/monitoring/* "$tree/usr/share/edged/monitoring/"
cp "$packaging/debian/lintian-overrides" "$tree/usr/share/lintian/overrides/edged"
{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: edged"
    echo
    echo "Files: *"
    echo "Copyright: 2026 the authors of edged and of what it contains"
    echo "License: Apache-2.0"
    echo
    echo "License: Apache-2.0"
    echo " The full text is in /usr/share/common-licenses/Apache-2.0."
    echo " Parts have other licences; /usr/lib/edged/share/doc/sbom.cdx.json lists them,"
    echo " /usr/lib/edged/share/doc/licences and /usr/lib/edged/lib/runtime/legal have their texts."
} >"$tree/usr/share/doc/edged/copyright"
{
    echo "edged ($version) unstable; urgency=medium"
    echo
    echo "  * See /usr/lib/edged/share/doc/CHANGELOG.md."
    echo
    echo " -- edged <edged@localhost>  $(date -u -R -d "@$epoch")"
} | gzip -9n >"$tree/usr/share/doc/edged/changelog.gz"

find "$tree" -type d -exec chmod 0755 {} +
find "$tree/usr/share" "$tree/etc" "$tree/usr/lib/systemd" "$tree/usr/lib/sysusers.d" "$tree/usr/lib/tmpfiles.d" -type f -exec chmod 0644 {} +
cat >"$tree/DEBIAN/control" <<END
Package: edged
Version: $version
Architecture: $architecture
Maintainer: edged <edged@localhost>
Installed-Size: $(find "$tree/usr" "$tree/etc" -type f -printf '%s\n' | awk '{kb += int(($1 + 1023) / 1024)} END {print kb}')
Depends: adduser
Recommends: systemd
Section: net
Priority: optional
Description: edge telemetry daemon: durable before it answers
 Takes telemetry over OTLP, writes it to a log on disk, answers when the bytes
 are on stable storage, and delivers the log upstream over OTLP whenever there
 is a link. Brings its own runtime and C library.
END
echo /etc/edged/edge.toml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    cp "$packaging/debian/$script" "$tree/DEBIAN/$script"
    chmod 0755 "$tree/DEBIAN/$script"
done
(cd "$tree" && find usr -type f | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
find "$tree" -exec touch -h -d "@$epoch" {} +

# Packed here and not by dpkg-deb, which cannot be told what the files are: machine code has a filter of its own, and
# with a dictionary of 32 MiB the classes of the runtime and those of the jars are seen together. Unpacking takes 33 MiB.
# The filter for arm64 is one that older systems do not have, and saves nothing there.
members=$tree.members
rm -rf "$members"
mkdir "$members"
dpkg-deb --root-owner-group -Znone -b "$tree" "$members/plain.deb" >/dev/null
filter=
[ "$architecture" != amd64 ] || filter=--x86
(
    cd "$members"
    ar x plain.deb
    xz -T1 -6e control.tar
    # shellcheck disable=SC2086
    xz -T1 $filter --lzma2=preset=6e,dict=32MiB,lc=4,pb=2,nice=273 data.tar
    # The order is the format's; no table of symbols, no times and owners.
    ar rcDS edged.deb debian-binary control.tar.xz data.tar.xz
)
mv "$members/edged.deb" "$target/edged_${version}_$architecture.deb"
rm -rf "$tree" "$members"
