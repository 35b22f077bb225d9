#!/bin/sh
# Makes the directory of one architecture, all but the start-up cache and what is written about the whole release.
. "$(dirname "$0")/common.sh"

architecture=$1
triplet=$(triplet "$architecture")
from=$(unpacked "$architecture")
image=$(image "$architecture")
application=$packaging/target/edged

# What jdeps finds in the jars, less what only unused parts of one library ask for, and what is asked for by name at
# run time: jdk.net for socket options, jdk.jfr to look into a running daemon. modules.sh compares this with the jars.
modules=$(cat "$dist/modules")

command -v "$triplet-strip" >/dev/null || die "$triplet-strip is missing; install binutils-$triplet"

rm -rf "$image"
mkdir -p "$image/bin" "$image/lib/app" "$image/lib/sys" "$image/lib/locale" "$image/share/doc"

say "$architecture: runtime image"
jdk jlink --module-path "$from/usr/lib/jvm/java-25-openjdk-$architecture/jmods" --add-modules "$modules" \
    --strip-java-debug-attributes --no-header-files --no-man-pages --compress zip-0 --output "$image/lib/runtime"

runtime=$image/lib/runtime
# Nothing starts these: the launcher starts java, and the product starts no child processes.
rm -f "$runtime/bin/keytool" "$runtime/bin/rmiregistry" "$runtime/bin/jfr" "$runtime/bin/jrunscript" "$runtime/lib/jspawnhelper" "$runtime/lib/jexec"
# The list of classes is for making caches; sorting with vectors is only for the second compiler.
rm -f "$runtime/lib/classlist" "$runtime/lib/libsimdsort.so"
# What a debugger reads, 700 MB of it, which some versions of the package bring along.
find "$runtime" -name '*.debuginfo' -type f -delete

libraries="$from/usr/lib/$triplet"
cp "$libraries/$(loader "$architecture")" "$image/lib/sys/edged"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libz.so.1 libstdc++.so.6 libgcc_s.so.1; do
    cp -L "$libraries/$library" "$image/lib/sys/$library"
done
cp -R "$from/usr/lib/locale/C.utf8" "$image/lib/locale/"

find "$image/lib" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/java' -o -path '*/sys/edged' \) \
    -exec "$triplet-strip" --strip-unneeded --enable-deterministic-archives {} +

# Not compressed: the archive packs them better than they pack themselves, and a start has nothing to unpack.
tool StoredJar "$application/lib" "$image/lib/app"

# Manual pages and completion, which make build wrote.
for part in man completions; do
    [ ! -d "$application/share/$part" ] || cp -R "$application/share/$part" "$image/share/"
done

# Links only save room here, and a package is simpler without them.
find "$image" -type l | while read -r link; do
    cp -L "$link" "$link.file"
    mv "$link.file" "$link"
done

find "$image" -type d -exec chmod 0755 {} +
find "$image" -type f -exec chmod 0644 {} +
chmod 0755 "$runtime/bin/java" "$image/lib/sys/edged"

jars=$(cd "$image/lib/app" && ls ./*.jar | sed 's|^\./||' | tr '\n' ' ' | sed 's/ $//')
flags=$(grep -v '^#' "$dist/flags" | tr '\n' ' ' | sed 's/ $//')
digest=$(
    {
        echo "$flags"
        cd "$image/lib"
        sha256sum app/*.jar runtime/lib/modules runtime/lib/server/libjvm.so runtime/release
    } | sha256sum | cut -c 1-16
)
sed -e "s|@arch@|$architecture|g" -e "s|@version@|$version|g" -e "s|@pages@|$(page_sizes "$architecture")|g" \
    -e "s|@cache@|edged-$digest.jsa|g" -e "s|@jars@|$jars|g" -e "s|@flags@|$flags|g" "$dist/launcher.sh" >"$image/bin/edged"
chmod 0755 "$image/bin/edged"
