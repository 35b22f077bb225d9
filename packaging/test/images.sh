#!/bin/sh
# The built images, each in a chroot that holds nothing else but a static busybox; foreign ones run under qemu-user. Then
# each opens and delivers the logs of the others, and makes the lock that the others make.
# Needs root, binfmt_misc and qemu-user-static, or says SKIP.
. "$(dirname "$0")/../dist/common.sh"
. "$(dirname "$0")/chroots.sh"

skip() {
    echo "SKIP images in a chroot: $*"
    exit 0
}

[ -f "$(image amd64)/SHA256SUMS" ] || skip "no images; make dist makes them"
register_emulators || skip "$obstacle"

in_chroot() { # architecture, command
    here=$chroots/$1
    emulate "$1"
    shift
    chroot "$here" "$@"
}

for architecture in $chosen; do
    here=$chroots/$architecture
    new_chroot "$here"
    mkdir "$here/bin" "$here/etc" "$here/opt"
    cp "$(find "$work/packages/test-$architecture" -type f -path '*/bin/busybox')" "$here/bin/busybox"
    for name in sh uname readlink env cat; do ln -s busybox "$here/bin/$name"; done
    echo '127.0.0.1 localhost' >"$here/etc/hosts"
    tar -C "$here/opt" -xf "$target/edged-$version-linux-$architecture.tar.zst"
    mv "$here/opt/edged-$version-linux-$architecture" "$here/opt/edged"
done

for architecture in $chosen; do
    here=$chroots/$architecture
    trip=$here/tmp/trip
    mkdir -p "$trip"
    emulate "$architecture"
    if output=$(round_trip --idle 12 --keep "$here/tmp/log-$architecture" "$trip" /tmp/trip chroot "$here" /opt/edged/bin/edged 2>&1); then
        pass "$architecture: version, check, store and forward in a chroot with nothing else"
        echo "$output" | sed "s/^/  $architecture: /"
    else
        fail "$architecture: round trip"
        echo "$output" | sed "s/^/  $architecture: /"
    fi
    # A link to the launcher, a name without a directory, exit codes.
    ln -sf ../opt/edged/bin/edged "$here/bin/edged"
    case $(in_chroot "$architecture" /bin/sh -c 'cd /; PATH=/bin; ln -s /bin/edged /tmp/second; /tmp/second version' 2>&1) in
        "edged $version "*) pass "$architecture: found through two links" ;;
        *) fail "$architecture: through links" ;;
    esac
    code=0
    in_chroot "$architecture" /opt/edged/bin/edged check /nowhere >/dev/null 2>&1 || code=$?
    if [ $code = 1 ]; then pass "$architecture: exit code 1 for a missing configuration"; else fail "$architecture: exit code $code"; fi
    for other in $architectures; do
        [ "$other" != "$architecture" ] || continue
        rm -rf "$here/opt/other"
        mkdir -p "$here/opt/other/bin"
        cp "$(image "$other")/bin/edged" "$here/opt/other/bin/edged"
        code=0
        said=$(in_chroot "$architecture" /opt/other/bin/edged version 2>&1) || code=$?
        case $code/$said in
            "70/edged: this is the build for $other, but this machine is $architecture ("*) pass "$other on $architecture: $said" ;;
            *) fail "$other on $architecture: code $code: $said" ;;
        esac
    done
done

# A log is the same bytes whoever writes it. Each image reads, judges and delivers what each other one has acknowledged.
for writer in $chosen; do
    log=$chroots/$writer/tmp/log-$writer
    [ -d "$log" ] || continue
    in_chroot "$writer" /opt/edged/bin/edged wal dump --json "/tmp/log-$writer" >"$work/dump-$writer" 2>/dev/null || fail "$writer: wal dump of its own log"
    for reader in $chosen; do
        [ "$reader" != "$writer" ] || continue
        here=$chroots/$reader
        cp -R "$log" "$here/tmp/log-$writer"
        if said=$(in_chroot "$reader" /opt/edged/bin/edged wal verify "/tmp/log-$writer" 2>&1); then
            pass "$reader verifies the log of $writer: $(echo "$said" | head -n 1)"
        else
            fail "$reader on the log of $writer: $said"
        fi
        in_chroot "$reader" /opt/edged/bin/edged wal dump --json "/tmp/log-$writer" >"$work/dump-other" 2>/dev/null || :
        if [ -s "$work/dump-other" ] && cmp -s "$work/dump-$writer" "$work/dump-other"; then
            pass "$reader reads $(wc -l <"$work/dump-other") entries in it as $writer does"
        else
            fail "$reader reads the log of $writer otherwise: $(diff "$work/dump-$writer" "$work/dump-other" | head -n 4)"
        fi
        found=$here/tmp/found-$writer
        mkdir "$found"
        mv "$here/tmp/log-$writer" "$found/state"
        emulate "$reader"
        if said=$(round_trip --found "$found" "/tmp/found-$writer" chroot "$here" /opt/edged/bin/edged 2>&1); then
            pass "$reader delivers the log of $writer: $said"
        else
            fail "$reader does not deliver the log of $writer: $said"
        fi
    done
done

# The same release and the same configuration have the same fingerprint on each of them.
locked=
for architecture in $chosen; do
    here=$chroots/$architecture
    mkdir "$here/tmp/locked"
    cp "$root/config/edge.toml" "$here/tmp/locked/edge.toml"
    if said=$(in_chroot "$architecture" /opt/edged/bin/edged lock write --config /tmp/locked/edge.toml 2>&1 &&
        in_chroot "$architecture" /opt/edged/bin/edged lock verify --config /tmp/locked/edge.toml 2>&1); then
        pass "$architecture: lock written and verified"
    else
        fail "$architecture: lock: $said"
        continue
    fi
    if [ -z "$locked" ]; then
        locked=$architecture
    elif cmp "$chroots/$locked/tmp/locked/edge.lock.json" "$here/tmp/locked/edge.lock.json"; then
        pass "$architecture: the same lock as $locked, $(grep -o '"behavioral_fingerprint" *: *"[^"]*"' "$here/tmp/locked/edge.lock.json" | tail -n 1)"
    else
        fail "$architecture: another lock than $locked"
    fi
done
exit $failed
