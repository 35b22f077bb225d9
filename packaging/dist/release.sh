#!/bin/sh
# Everything of a release: images, caches, lock, checksums, archives, packages, image index. Needs no network once the
# packages are in packaging/target/packages. ARCHITECTURES="arm64" makes the image of that one anew and takes the others
# as an earlier run left them, which must be one of the same commit and the same jars.
. "$(dirname "$0")/common.sh"

# The highest level's way to look for matches, with a window of 32 MiB instead of 128: unpacking takes as much memory.
zstd_options=--zstd=strat=9,wlog=25,clog=25,hlog=24,slog=10,mml=3,tlen=999
missing=
for program in zstd xz ar dpkg-deb qemu-aarch64-static qemu-riscv64-static aarch64-linux-gnu-strip riscv64-linux-gnu-strip unzip; do
    command -v $program >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] || die "missing:$missing; packaging/dist/tools.sh installs what a release is made with"
[ -x "$packaging/target/edged/bin/edged" ] || die "packaging/target/edged is missing; make build makes it"

sh "$dist/runtime.sh" fetch
sh "$dist/modules.sh"
jars=$(cd "$packaging/target/edged/lib" && sha256sum -- *.jar | sha256sum | cut -c 1-16)
for architecture in $chosen; do
    rm -f "$work/made-$architecture"
    sh "$dist/image.sh" "$architecture"
    # The cache is made with the files as old as they will be, and before anything else is put beside them.
    find "$(image "$architecture")" -exec touch -h -d "@$epoch" {} +
done
sh "$dist/cache.sh"
for architecture in $chosen; do echo "$epoch $jars" >"$work/made-$architecture"; done
for architecture in $architectures; do
    [ "$(cat "$work/made-$architecture" 2>/dev/null)" = "$epoch $jars" ] || {
        say "no release: the image of $architecture is missing or of another build; make dist makes all of them"
        exit 0
    }
done

for architecture in $architectures; do
    image=$(image "$architecture")
    mkdir -p "$image/share/systemd" "$image/share/doc/licences"
    cp "$root"/systemd/edged* "$image/share/systemd/"
    cp "$root/config/edge.toml" "$image/share/edge.toml"
    cp "$dist/install.sh" "$image/install.sh"
    cp "$root/LICENSE" "$root/CHANGELOG.md" "$image/share/doc/"
    cp "$root/docs/install.md" "$image/share/doc/install.md"
    cp "$lock" "$image/share/doc/runtime.lock"
    for package in openjdk-25-jdk-headless libc6 zlib1g libstdc++6 libgcc-s1; do
        copyright=$(unpacked "$architecture")/usr/share/doc/$package/copyright
        # Packages of one source share theirs by a link.
        [ -f "$copyright" ] || copyright=$(find "$(unpacked "$architecture")/usr/share/doc" -path "*${package%%-25*}*/copyright" -o -path '*gcc-14-base/copyright' | head -n 1)
        if [ -n "$copyright" ] && [ -f "$copyright" ]; then cp -L "$copyright" "$image/share/doc/licences/$package"; fi
    done
    for jar in "$image"/lib/app/*.jar; do
        text=$(unzip -Z1 "$jar" 2>/dev/null | grep -E -i '^(META-INF/)?(LICENSE|LICENCE|NOTICE)(\.txt|\.md)?$' || true)
        for entry in $text; do
            unzip -p "$jar" "$entry" >"$image/share/doc/licences/$(basename "$jar" .jar)-$(basename "$entry")"
        done
    done
    tool Sbom "$version" "$architecture" "$epoch" "$image" "$lock" "$dist/components" "$image/share/doc/sbom.cdx.json"
    find "$image" -type d -exec chmod 0755 {} +
    find "$image/share" -type f -exec chmod 0644 {} +
    chmod 0755 "$image/install.sh"
    # shellcheck disable=SC2046
    tool ImageCheck "$image" "$architecture" $(page_sizes "$architecture")
done
# Every file of an image is in its lock, the checksums too: a file that is not is a difference wherever it is installed. So
# the checksums leave out the lock, which has a fingerprint of its own.
for architecture in $architectures; do
    image=$(image "$architecture")
    rm -f "$image/SHA256SUMS" "$image/edge.lock.json"
    (cd "$image" && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum) >"$work/sums"
    mv "$work/sums" "$image/SHA256SUMS"
    chmod 0644 "$image/SHA256SUMS"
done
tool ReleaseLockWriter "$version" "$(image amd64)" "$(image arm64)" "$(image riscv64)"
for architecture in $architectures; do find "$(image "$architecture")" -exec touch -h -d "@$epoch" {} +; done

archive() { # directory, name in it, then tar's further words; to standard output
    directory=$1
    name=$2
    shift 2
    tar -C "$directory" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu "$@" -c -f - "$name"
}

# Both kinds are packed by one thread each, and neither waits for the other.
(
    for architecture in $architectures; do
        image=$(image "$architecture")
        say "$architecture: archive"
        archive "$work" "$(basename "$image")" | zstd -q -f -T1 -19 "$zstd_options" -o "$target/$(basename "$image").tar.zst"
    done
) &
archives=$!
trap 'kill "$archives"; exit 130' INT TERM
for architecture in $architectures; do
    sh "$dist/deb.sh" "$architecture" || {
        wait
        exit 1
    }
done
wait "$archives"
trap - INT TERM
sh "$dist/oci.sh"
cp "$(image amd64)/edge.lock.json" "$target/edged-$version.lock.json"
(cd "$target" && sha256sum "edged-$version"-linux-*.tar.zst edged_"$version"_*.deb "edged-$version.oci.tar" "edged-$version.lock.json" >"edged-$version.sha256")
say "done:"
(cd "$target" && ls -l "edged-$version"-linux-*.tar.zst edged_"$version"_*.deb "edged-$version.oci.tar") >&2
