#!/bin/sh
# Installs edged from this directory on a system without dpkg: sh install.sh [--prefix DIR] [--root DIR] [--uninstall] [--purge]
# Each version has a directory of its own below the prefix (/opt/edged), and the link "current" names the one in use:
# running install.sh of an older version goes back to it. The configuration and the log are never touched, except by
# --purge. --root installs into another tree and starts nothing.
set -eu

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

prefix=/opt/edged
root=
action=install
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a directory}; shift 2 ;;
        --root) root=${2:?--root needs a directory}; shift 2 ;;
        --uninstall) action=uninstall; shift ;;
        --purge) action=purge; shift ;;
        *) fail "unknown argument $1; see the head of this file" ;;
    esac
done
case $prefix in /*) ;; *) fail "the prefix must be an absolute path, not $prefix" ;; esac
here=$(cd "$(dirname "$0")" && pwd -P)
[ "$(id -u)" = 0 ] || fail "must be run as root"
if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemd=yes; else systemd=; fi

if [ "$action" != install ]; then
    if [ -n "$systemd" ]; then systemctl disable --now edged.service 2>/dev/null || true; fi
    rm -f "$root/etc/systemd/system/edged.service" "$root/etc/systemd/system/edged-precheck.service" \
        "$root/etc/sysusers.d/edged.conf" "$root/etc/tmpfiles.d/edged.conf" "$root/usr/local/bin/edged"
    rm -rf "$root${prefix:?}"
    if [ -n "$systemd" ]; then systemctl daemon-reload; fi
    if [ "$action" = purge ]; then rm -rf "$root/var/lib/edged" "$root/etc/edged"; fi
    echo "removed $prefix"
    exit 0
fi

"$here/bin/edged" version >/dev/null || fail "edged does not run from $here; see the message above"
(cd "$here" && sha256sum -c --quiet SHA256SUMS) || fail "files in $here are not those of the release"
version=$(sed -n 's/.*"product_version": "\(.*\)".*/\1/p' "$here/edge.lock.json")
[ -n "$version" ] || fail "$here/edge.lock.json names no version"

to=$root$prefix/$version
if [ "$here" != "$to" ]; then
    rm -rf "$to.new"
    mkdir -p "$to.new"
    cp -a "$here/." "$to.new/"
    rm -rf "$to"
    mv "$to.new" "$to"
fi
chown -R 0:0 "$to"
ln -sfn "$version" "$root$prefix/current.new"
mv -fT "$root$prefix/current.new" "$root$prefix/current" 2>/dev/null || {
    rm -f "$root$prefix/current"
    mv "$root$prefix/current.new" "$root$prefix/current"
}

mkdir -p "$root/etc/edged" "$root/usr/local/bin" "$root/etc/systemd/system" "$root/etc/sysusers.d" "$root/etc/tmpfiles.d"
[ -d "$root/etc/edged/credentials" ] || mkdir -m 0700 "$root/etc/edged/credentials"
if [ -e "$root/etc/edged/edge.toml" ]; then
    cp "$here/share/edge.toml" "$root/etc/edged/edge.toml.new"
    echo "kept /etc/edged/edge.toml; this version's example is /etc/edged/edge.toml.new"
else
    cp "$here/share/edge.toml" "$root/etc/edged/edge.toml"
fi
ln -sf "$prefix/current/bin/edged" "$root/usr/local/bin/edged"
for unit in edged.service edged-precheck.service; do
    sed "s|/usr/lib/edged/|$prefix/current/|" "$here/share/systemd/$unit" >"$root/etc/systemd/system/$unit"
done
cp "$here/share/systemd/edged.sysusers" "$root/etc/sysusers.d/edged.conf"
cp "$here/share/systemd/edged.tmpfiles" "$root/etc/tmpfiles.d/edged.conf"
if [ -z "$root" ] && ! getent passwd edged >/dev/null 2>&1; then
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers edged.conf
    elif command -v useradd >/dev/null; then
        useradd --system --user-group --home-dir /var/lib/edged --no-create-home --shell /usr/sbin/nologin edged
    elif command -v adduser >/dev/null; then
        adduser -S -D -H -h /var/lib/edged edged # busybox
    else
        fail "no program to make the user edged; make it and run install.sh again"
    fi
fi
if [ -n "$systemd" ]; then
    systemctl daemon-reload
    systemctl enable edged.service
    systemctl try-restart edged.service
    echo "installed edged $version in $prefix/$version; edit /etc/edged/edge.toml, then: systemctl start edged"
else
    echo "installed edged $version in $prefix/$version; start it with: $prefix/current/bin/edged run --config /etc/edged/edge.toml"
fi
