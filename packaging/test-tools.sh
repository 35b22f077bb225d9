#!/bin/sh
# Installs the third-party programs that some tests call, where that is possible; those tests say SKIP without them.
set -u
missing=
command -v strace >/dev/null || missing="$missing strace"
command -v h2load >/dev/null || missing="$missing nghttp2-client"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v b3sum >/dev/null || missing="$missing b3sum"
command -v haproxy >/dev/null || missing="$missing haproxy"
command -v openssl >/dev/null || missing="$missing openssl"
command -v nbdkit >/dev/null || missing="$missing nbdkit"
command -v nbdfuse >/dev/null || missing="$missing libnbd-bin"
command -v fusermount3 >/dev/null || missing="$missing fuse3"
command -v tc >/dev/null || missing="$missing iproute2"
command -v iptables >/dev/null || missing="$missing iptables"
# A browser for the status page; large, so that a place without room for it still gets the rest.
browser=
command -v chromium >/dev/null || browser=chromium
[ -z "$missing$browser" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "SKIP installing$missing $browser: needs root and apt-get"
    exit 0
fi
echo "installing for the tests:$missing $browser"
# Prometheus and haproxy would start a server on installation; only the programs are wanted.
{ apt-get update && { [ -z "$missing" ] || RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; }; } \
    >/dev/null 2>&1 || echo "SKIP installing$missing: apt-get failed"
[ -z "$browser" ] ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $browser >/dev/null 2>&1 ||
    echo "SKIP installing $browser: apt-get failed"
exit 0
