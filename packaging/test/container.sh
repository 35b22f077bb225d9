#!/bin/sh
# The container index as an engine takes it: skopeo, which checks every digest, picks the image of each architecture; its
# layers make a tree that holds nothing else, and there the entry point does a round trip as the image's user and with the
# image's environment. Needs root, skopeo, binfmt_misc and qemu-user-static, or says SKIP.
. "$(dirname "$0")/../dist/common.sh"
. "$(dirname "$0")/chroots.sh"

skip() {
    echo "SKIP the container index: $*"
    exit 0
}
index=$target/edged-$version.oci.tar
[ -f "$index" ] || skip "there is none; make dist makes it"
command -v skopeo >/dev/null || skip "skopeo is not installed"
register_emulators || skip "$obstacle"

listed=$(skopeo inspect --raw "oci-archive:$index" | grep -o '"architecture" *: *"[^"]*"' | sed 's/.*"\(.*\)"/\1/' | tr '\n' ' ')
if [ "$listed" = "$architectures " ]; then pass "the index lists ${listed% }"; else fail "the index lists: $listed"; fi
if tar -xOf "$index" ./index.json | grep -q "\"org.opencontainers.image.ref.name\" *: *\"edged:$version\""; then
    pass "its name is edged:$version"
else
    fail "its name: $(tar -xOf "$index" ./index.json)"
fi

inspect() { skopeo inspect --override-os linux --override-arch "$architecture" "$@" "oci-archive:$index"; }
for architecture in $chosen; do
    here=$chroots/container-$architecture
    blobs=$work/container-$architecture
    rm -rf "$blobs"
    if said=$(skopeo copy -q --override-os linux --override-arch "$architecture" "oci-archive:$index" "dir:$blobs" 2>&1); then
        pass "$architecture: skopeo copies the image"
    else
        fail "$architecture: skopeo: $said"
        continue
    fi
    said=$(inspect --config --format '{{.Architecture}} {{.Config.User}} {{.Config.Cmd}} {{.Config.StopSignal}}')
    if [ "$said" = "$architecture 65532:65532 [run --config /etc/edged/edge.toml] SIGTERM" ]; then
        pass "$architecture: $said"
    else
        fail "$architecture: the image says: $said"
    fi
    new_chroot "$here"
    for digest in $(inspect --format '{{range .Layers}}{{println .}}{{end}}'); do
        tar -C "$here" --same-permissions --same-owner --numeric-owner -xzf "$blobs/${digest#sha256:}"
    done
    rm -rf "$blobs"
    if [ ! -e "$here/bin" ] && [ ! -e "$here/usr" ]; then pass "$architecture: no shell, and nothing of a system"; else fail "$architecture: more than edged in it"; fi
    if [ "$(stat -c %a "$here/tmp")" = 1777 ]; then pass "$architecture: its /tmp is for everyone"; else fail "$architecture: /tmp is for $(stat -c %a "$here/tmp")"; fi

    # What the engine would start; nobody else's environment, but for the emulator's.
    emulate "$architecture"
    environment="${QEMU_CPU:+QEMU_CPU=$QEMU_CPU} $(inspect --config --format '{{range .Config.Env}}{{println .}}{{end}}')"
    # shellcheck disable=SC2046,SC2086
    set -- env -i $environment "$(command -v chroot)" --userspec=65532:65532 --groups=65532 "$here" \
        $(inspect --config --format '{{range .Config.Entrypoint}}{{println .}}{{end}}')
    code=0
    said=$("$@" run --config /etc/edged/edge.toml 2>&1) || code=$?
    case $code/$said in
        "1/"*/etc/edged/edge.toml*) pass "$architecture: without a configuration: $said" ;;
        *) fail "$architecture: without a configuration: code $code: $said" ;;
    esac
    if said=$("$@" version 2>&1) && [ "$said" = "edged $version java ${said##*java }" ]; then
        pass "$architecture: $said"
    else
        fail "$architecture: version: $said"
    fi
    # There is no launcher that reads EDGED_OPTS, but the virtual machine's own variable has the last word as well.
    (
        shift 2
        env -i _JAVA_OPTIONS='-Xmx100m -XX:+PrintFlagsFinal -Xlog:class+load:stdout' "$@" version
    ) >"$work/container-said" 2>&1 || true
    if grep -q 'MaxHeapSize *= 104857600 ' "$work/container-said"; then
        pass "$architecture: _JAVA_OPTIONS come last"
    else
        fail "$architecture: _JAVA_OPTIONS: $(head -n 5 "$work/container-said")"
    fi
    cached=$(grep -c 'source: shared objects file' "$work/container-said") || true
    if [ "$cached" -gt 3000 ]; then pass "$architecture: $cached classes come from the cache"; else fail "$architecture: $cached classes from the cache"; fi
    # The volume's directory belongs to the user, so that the daemon can make its own in it.
    if said=$(round_trip "$here/var/lib/edged" /var/lib/edged "$@" 2>&1); then
        pass "$architecture: store and forward from the image's entry point"
    else
        fail "$architecture: round trip"
    fi
    echo "$said" | sed "s/^/  $architecture: /"
    if [ "$(stat -c '%u:%g' "$here/var/lib/edged/state")" = 65532:65532 ]; then
        pass "$architecture: its log belongs to the image's user"
    else
        fail "$architecture: its log belongs to $(stat -c '%u:%g' "$here/var/lib/edged/state")"
    fi
done
exit $failed
