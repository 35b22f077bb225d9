#!/bin/sh
# Makes the OCI image index: three images from scratch, without a container engine.
. "$(dirname "$0")/common.sh"

say "image index"
layout=$work/oci
rm -rf "$layout" "$work/oci-layers"
mkdir -p "$work/oci-layers"
words=
for architecture in $architectures; do
    image=$(image "$architecture")
    tree=$work/oci-layers/$architecture
    base=$tree/base jars=$tree/jars
    mkdir -p "$base/opt" "$base/etc/edged" "$base/var/lib/edged" "$base/tmp" "$jars/opt/edged/lib"
    # For whoever looks into the running daemon.
    chmod 1777 "$base/tmp"
    cp -a "$image" "$base/opt/edged"
    # The jars are the same for all architectures, so their layer is shared.
    mv "$base/opt/edged/lib/app" "$jars/opt/edged/lib/app"
    printf 'root:x:0:0:root:/:/\nedged:x:65532:65532:edged:/var/lib/edged:/\n' >"$base/etc/passwd"
    printf 'root:x:0:\nedged:x:65532:\n' >"$base/etc/group"
    # What the launcher would say, for there is no shell; the cache is always of the same build here.
    {
        echo /opt/edged/lib/sys/edged
        printf '%s\n' --argv0 edged --library-path /opt/edged/lib/sys:/opt/edged/lib/runtime/lib:/opt/edged/lib/runtime/lib/server
        echo /opt/edged/lib/runtime/bin/java
        grep -v '^#' "$dist/flags"
        echo "-XX:SharedArchiveFile=/opt/edged/lib/cache/$(sed -n 's|^cache=$home/lib/cache/||p' "$image/bin/edged")"
        echo -cp
        sed -n 's/^for jar in \(.*\); do$/\1/p' "$image/bin/edged" | tr ' ' '\n' | sed 's|^|/opt/edged/lib/app/|' | paste -sd :
        echo io.edged.cli.Edged
    } >"$tree/entrypoint"
    find "$tree" -exec touch -h -d "@$epoch" {} +
    tar -C "$jars" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu -cf "$tree/jars.tar" opt
    # The state directory belongs to the user of the image.
    tar -C "$base" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu --exclude=./var/lib/edged -cf "$tree/base.tar" .
    tar -C "$base" --mtime="@$epoch" --owner=65532 --group=65532 --numeric-owner --format=gnu -rf "$tree/base.tar" ./var/lib/edged
    words="$words $architecture $tree/entrypoint $tree/base.tar $tree/jars.tar -"
done
# shellcheck disable=SC2086
tool OciIndex "$version" "$epoch" "$layout" $words
find "$layout" -type f -exec chmod 0644 {} +
tar -C "$layout" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu -cf "$target/edged-$version.oci.tar" .
rm -rf "$work/oci-layers"
