#!/bin/sh
# Compares the modules of the images with what jdeps finds in the jars.
. "$(dirname "$0")/common.sh"

# Asked for by name or by a file of configuration, where jdeps cannot see it: options of sockets.
extra='jdk.net'
# Wanted by classes of micrometer-core that watch desktops and databases, which nothing here uses.
unused='java.desktop java.sql'

jars=$packaging/target/edged/lib
jdk java -m jdk.jdeps/com.sun.tools.jdeps.Main -s --ignore-missing-deps --multi-release 25 --class-path "$jars/*" "$jars"/*.jar >"$work/jdeps"
for module in $unused; do
    if grep " -> $module\$" "$work/jdeps" | grep -v '^micrometer-core-'; then
        die "$module was left out because only micrometer-core names it; now the above does too"
    fi
done
jdk java -m jdk.jdeps/com.sun.tools.jdeps.Main --print-module-deps --ignore-missing-deps --multi-release 25 --class-path "$jars/*" "$jars"/*.jar |
    tr ',' '\n' | grep -v -x -F "$(echo "$unused" | tr ' ' '\n')" >"$work/modules.wanted"
# print-module-deps leaves out what other modules bring along; the list has them all.
sed -n 's/.* -> \(java\..*\|jdk\..*\)$/\1/p' "$work/jdeps" | grep -v -x -F "$(echo "$unused" | tr ' ' '\n')" >>"$work/modules.wanted"
echo "$extra" | tr ' ' '\n' >>"$work/modules.wanted"
sort -u "$work/modules.wanted" -o "$work/modules.wanted"
tr ',' '\n' <"$dist/modules" | sort >"$work/modules.listed"
diff -u "$work/modules.listed" "$work/modules.wanted" >&2 || die "packaging/dist/modules does not fit the jars (above, + is missing, - is too much)"
