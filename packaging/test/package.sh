#!/bin/sh
# The Debian package under a real systemd in namespaces of its own: install, start, watchdog, reload, upgrade, removal, purge.
# Then lintian and systemd-analyze. Needs root, debootstrap and Linux namespaces, or says SKIP.
. "$(dirname "$0")/../dist/common.sh"

. "$(dirname "$0")/report.sh"
skip() {
    echo "SKIP the package under systemd: $*"
    exit $failed
}
deb=$target/edged_${version}_amd64.deb
[ -f "$deb" ] || skip "no package; make dist makes it"

if command -v lintian >/dev/null; then
    for architecture in $architectures; do
        if lintian --allow-root --fail-on error "$target/edged_${version}_$architecture.deb" >"$work/lintian-$architecture" 2>&1; then
            pass "lintian has no error for $architecture ($(grep -c '^W:' "$work/lintian-$architecture") warnings)"
        else
            fail "lintian for $architecture"
            cat "$work/lintian-$architecture"
        fi
    done
else
    echo "SKIP lintian: not installed"
fi

[ "$(id -u)" = 0 ] || skip "needs root"
[ "$(uname -m)" = x86_64 ] || skip "needs an amd64 machine"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"

base=$packaging/target/systemd-root
if [ ! -f "$base/edged-test-ready" ]; then
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && $2 == "Debian" {print $3; exit}')
    [ -n "$mirror" ] || skip "this machine's apt has no Debian mirror"
    rm -rf "$base"
    debootstrap --variant=minbase --include=systemd-sysv,adduser,procps,busybox-static bookworm "$base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        skip "debootstrap failed: $(tail -n 1 "$work/debootstrap.log")"
    touch "$base/edged-test-ready"
fi

if [ -x "$base/usr/bin/systemd-analyze" ]; then :; else skip "the tree has no systemd-analyze"; fi

system=$work/system
umount -R "$system" 2>/dev/null || true
rm -rf "$system"
cp -a "$base" "$system"
cp "$deb" "$system/root/edged.deb"
# The same files under a higher version, for the upgrade.
dpkg-deb -R "$deb" "$work/next"
sed -i "s/^Version: .*/Version: $version+next/" "$work/next/DEBIAN/control"
echo "# The next version's example." >>"$work/next/etc/edged/edge.toml"
dpkg-deb --root-owner-group -Znone -b "$work/next" "$system/root/next.deb" >/dev/null
rm -rf "$work/next"

unshare --pid --mount --uts --ipc --net --cgroup --fork "$dist/../test/systemd-root.sh" "$system" >"$work/systemd.log" 2>&1 &
unshare_pid=$!
cleanup() {
    [ -z "${manager:-}" ] || kill -KILL "$manager" 2>/dev/null || true
    wait "$unshare_pid" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP
manager=
tries=0
while [ $tries -lt 300 ]; do
    tries=$((tries + 1))
    [ -n "$manager" ] || manager=$(cat "/proc/$unshare_pid/task/$unshare_pid/children" 2>/dev/null | tr -d ' ')
    if [ -n "$manager" ] && nsenter -t "$manager" -a test -S /run/systemd/private 2>/dev/null; then break; fi
    sleep 0.2
done
in_system() { nsenter -t "$manager" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
in_system ip link set lo up 2>/dev/null || nsenter -t "$manager" -n ip link set lo up 2>/dev/null || nsenter -t "$manager" -n ifconfig lo up || true
await() { # seconds, what, command
    left=$(($1 * 5))
    what=$2
    shift 2
    while [ $left -gt 0 ]; do
        if "$@" >/dev/null 2>&1; then
            pass "$what"
            return 0
        fi
        left=$((left - 1))
        sleep 0.2
    done
    fail "$what"
    in_system systemctl status --no-pager -n 20 edged.service edged-precheck.service 2>&1 | sed 's/^/  /' || true
    in_system journalctl --no-pager -n 30 2>/dev/null | sed 's/^/  /' || true
}
check() {
    what=$1
    shift
    if "$@" >"$work/check.out" 2>&1; then pass "$what"; else
        fail "$what"
        sed 's/^/  /' "$work/check.out"
    fi
}
get() { in_system busybox wget -q -O - "http://127.0.0.1:$1"; }
main_pid() { in_system systemctl show -P MainPID edged.service; }
state() { [ "$(in_system systemctl show -P "$1" edged.service)" = "$2" ]; }
another_pid() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && state ActiveState active; }

check "systemd manages the tree" in_system systemctl --no-pager list-units
check "installed" in_system dpkg -i /root/edged.deb
check "the user is there" in_system getent passwd edged
check "the first installation starts nothing" state ActiveState inactive
check "the service is enabled" in_system systemctl is-enabled edged.service
in_system mkdir /root/locked
in_system cp /etc/edged/edge.toml /root/locked/edge.toml
check "a lock of what is installed" in_system edged lock write --config /root/locked/edge.toml
check "and it matches" in_system edged lock verify --config /root/locked/edge.toml
check "systemd-analyze verify" in_system systemd-analyze verify --man=no edged.service edged-precheck.service
if [ -s "$work/check.out" ]; then fail "systemd-analyze verify has something to say: $(cat "$work/check.out")"; fi
in_system systemd-analyze security --no-pager edged.service >"$work/security" 2>&1 || true
score=$(sed -n 's/.*Overall exposure level for edged.service: \([0-9.]*\).*/\1/p' "$work/security")
case $score in 0.* | 1.0 | 1.1) pass "exposure $score" ;; *) fail "exposure ${score:-unknown}, wanted 1.1 or less" ;; esac

cp "$system/etc/edged/edge.toml" "$work/edge.toml.shipped"
printf 'node.id = "test-1"\nstorage = { dir = "/var/lib/edged", ceiling_bytes = "64 MiB", reserve_bytes = 0 }\nwal.segment_bytes = "8 MiB"\nprecheck.file_systems = ["ext4", "xfs", "btrfs", "overlay", "tmpfs"]\nlimits.body_bytes = "1 MiB"\nreceiver.http = "127.0.0.1:4318"\n[[drain.destination]]\nname = "upstream"\nendpoint = "http://127.0.0.1:1"\nbearer_token_file = "/run/edged/credentials/edged_token"\n' >"$work/good.toml"
sed 's/^node.id/node.idd/' "$work/good.toml" >"$system/etc/edged/edge.toml"
(umask 077 && echo secret-of-the-test >"$system/etc/edged/credentials/token")
if in_system systemctl start edged.service >/dev/null 2>&1; then fail "a bad configuration starts"; else pass "a failed precheck blocks the start"; fi
check "and says why" sh -c "nsenter -t $manager -a systemctl show -P ExecMainStatus edged-precheck.service | grep -qx 1"
cp "$work/good.toml" "$system/etc/edged/edge.toml"
# A disk without room: time may cure that, so that the check waits, and the daemon starts by itself when there is room.
in_system mkdir -p /var/lib/edged
in_system mount -t tmpfs -o size=1M tmpfs /var/lib/edged
in_system systemctl start --no-block edged.service >/dev/null 2>&1 || true
await 60 "the check waits for room on the disk" sh -c "nsenter -t $manager -a journalctl --no-pager -u edged-precheck.service | grep -q 'waiting, next try in'"
check "and the daemon waits for the check" state ActiveState inactive
in_system mount -o remount,size=256M /var/lib/edged
await 90 "it starts by itself when there is room" state ActiveState active
in_system systemctl stop edged.service
in_system umount /var/lib/edged
in_system systemctl start edged.service >/dev/null 2>&1 || true
await 60 "active after READY=1" state ActiveState active
check "livez answers 200" get 9464/livez
check "the state directory is the user's alone" sh -c "[ \"\$(nsenter -t $manager -a stat -c '%a %U' /var/lib/edged)\" = '700 edged' ]"
check "systemd shows what the daemon says" sh -c "nsenter -t $manager -a systemctl show -P StatusText edged.service | grep -q 'taking telemetry'"

pid=$(main_pid)
sed 's/127.0.0.1:4318/127.0.0.1:4319/' "$work/good.toml" >"$system/etc/edged/edge.toml"
check "reload" in_system systemctl reload edged.service
await 20 "reload names the key that needs a restart" sh -c "nsenter -t $manager -a journalctl --no-pager -u edged.service | grep -q 'restart=receiver.http'"
check "and the same process goes on" sh -c "[ $(main_pid) = $pid ]"
cp "$work/good.toml" "$system/etc/edged/edge.toml"

in_system kill -STOP "$pid"
await 90 "the watchdog restarts a daemon that hangs" another_pid "$pid"
pid=$(main_pid)
in_system kill -KILL "$pid"
await 60 "a killed daemon comes back" another_pid "$pid"

# Each version takes a record, and each has to find what the others took.
take() {
    in_system busybox wget -q -O - --header 'Content-Type: application/json' --post-data \
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"$1\"}}]}]}]}" http://127.0.0.1:4318/v1/logs
}
has() { in_system edged wal dump --json /var/lib/edged | grep -c 'taken by the' | grep -qx "$1"; }
check "a record is taken before the upgrade" take "taken by the first"

in_system dpkg --force-confold -i /root/next.deb >"$work/upgrade" 2>&1 || fail "upgrade: $(cat "$work/upgrade")"
check "upgraded" sh -c "[ \"\$(nsenter -t $manager -a dpkg-query -W -f '\${Version}' edged)\" = '$version+next' ]"
check "the upgrade keeps the changed configuration" cmp "$work/good.toml" "$system/etc/edged/edge.toml"
await 60 "running again after the upgrade" state ActiveState active
check "livez answers 200 after the upgrade" get 9464/livez
check "and has what the first version took" has 1
check "a record is taken after the upgrade" take "taken by the next"

in_system dpkg --force-downgrade --force-confold -i /root/edged.deb >"$work/rollback" 2>&1 || fail "rollback: $(cat "$work/rollback")"
check "rolled back" sh -c "[ \"\$(nsenter -t $manager -a dpkg-query -W -f '\${Version}' edged)\" = '$version' ]"
check "the rollback keeps the changed configuration" cmp "$work/good.toml" "$system/etc/edged/edge.toml"
await 60 "running again after the rollback" state ActiveState active
check "livez answers 200 after the rollback" get 9464/livez
check "and has what both versions took" has 2
check "the log is sound" in_system edged wal verify /var/lib/edged

check "removed" in_system dpkg -r edged
check "no process of it is left" sh -c "! nsenter -t $manager -a pgrep -u edged"
check "removal keeps configuration and log" test -f "$system/etc/edged/edge.toml" -a -d "$system/var/lib/edged/wal"
check "removal takes the program" test ! -e "$system/usr/lib/edged"
check "purged" in_system dpkg -P edged
check "the purge takes configuration and log" test ! -e "$system/etc/edged" -a ! -e "$system/var/lib/edged"

# The archive's own installation, in a tree of its own.
other=$work/other-root
rm -rf "$other"
mkdir -p "$other"
check "install.sh" sh "$(image amd64)/install.sh" --root "$other"
check "installed by the archive" "$other/opt/edged/current/bin/edged" version
rm -rf "$work/other-locked"
mkdir "$work/other-locked"
cp "$root/config/edge.toml" "$work/other-locked/edge.toml"
check "a lock of what the archive installed" "$other/opt/edged/current/bin/edged" lock write --config "$work/other-locked/edge.toml"
check "which matches" "$other/opt/edged/current/bin/edged" lock verify --config "$work/other-locked/edge.toml"
rm -rf "$work/other-locked"
check "its unit names its program" grep -q "ExecStart=/opt/edged/current/bin/edged run" "$other/etc/systemd/system/edged.service"
echo "# changed" >>"$other/etc/edged/edge.toml"
check "install.sh again" sh "$(image amd64)/install.sh" --root "$other"
check "keeps the configuration" grep -q "# changed" "$other/etc/edged/edge.toml"
check "install.sh --uninstall" sh "$(image amd64)/install.sh" --root "$other" --uninstall
check "takes the program, keeps the configuration" test ! -e "$other/opt/edged" -a -f "$other/etc/edged/edge.toml"
rm -rf "$other"
exit $failed
