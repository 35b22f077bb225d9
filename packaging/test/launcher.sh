#!/bin/sh
# The launcher of the amd64 image on this machine: page sizes, links, options, signals and exit codes, the start-up cache.
. "$(dirname "$0")/../dist/common.sh"

. "$(dirname "$0")/report.sh"
image=$(image amd64)
if [ "$(uname -m)" != x86_64 ] || [ ! -f "$image/SHA256SUMS" ]; then
    echo "SKIP the launcher: no image for this machine; make dist makes it"
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"

fake() { # program, what it prints
    printf '#!/bin/sh\necho %s\n' "$2" >"$scratch/bin/$1"
    chmod 0755 "$scratch/bin/$1"
}
expect() { # what it is about, code, beginning of the line, then the command
    about=$1 code=$2 wanted=$3
    shift 3
    got=0
    said=$("$@" 2>&1) || got=$?
    case $got/$said in
        "$code/$wanted"*) pass "$about: $said" ;;
        *) fail "$about: wanted $code and \"$wanted\", got $got and \"$said\"" ;;
    esac
}

fake getconf 16384
expect "a kernel with other pages" 70 "edged: this build runs with memory pages of 4096 bytes, but this kernel has pages of 16384" \
    env PATH="$scratch/bin:$PATH" "$image/bin/edged" version
rm "$scratch/bin/getconf"
fake uname armv7l
expect "a machine that there is no build for" 70 "edged: this is the build for amd64, but this machine is armv7l" \
    env PATH="$scratch/bin:$PATH" "$image/bin/edged" version
rm "$scratch/bin/uname"
expect "another Java in the environment" 0 "edged $version" \
    env JAVA_TOOL_OPTIONS=-Xmx1 LD_LIBRARY_PATH=/nowhere LD_PRELOAD= CLASSPATH=/nowhere "$image/bin/edged" version
expect "an option of the user" 0 "edged $version" env EDGED_OPTS=-Xmx64m "$image/bin/edged" version
expect "an option that does not exist" 1 "Unrecognized VM option" env EDGED_OPTS=-XX:+NoSuchThing "$image/bin/edged" version
expect "a usage error" 64 "edged: " "$image/bin/edged" nonsense

# A copy of the image with one jar of another build in it, under the same name.
cp -a "$image" "$scratch/copy"
copy=$scratch/copy
log=$(EDGED_OPTS=-Xlog:class+load:file="$scratch/classes" "$copy/bin/edged" version)
if [ "$log" = "$(EDGED_NO_CACHE=1 "$copy/bin/edged" version)" ] && grep -q 'io.edged.cli.Edged source: shared objects file' "$scratch/classes"; then
    pass "the cache serves a copy in another directory"
else
    fail "the cache serves no class in another directory"
fi
mkdir "$scratch/new"
jar=$(ls "$copy"/lib/app/edged-"$version".jar)
cat >"$scratch/Version.java" <<'END'
package io.edged.daemon;
public final class Version { public static String current() { return "of the new jar"; } }
END
jdk java -m jdk.compiler/com.sun.tools.javac.Main -d "$scratch/new" "$scratch/Version.java"
(cd "$scratch/new" && jdk java -m jdk.jartool/sun.tools.jar.Main --update --file "$jar" io/edged/daemon/Version.class)
said=$("$copy/bin/edged" version 2>"$scratch/err")
case $said in
    "edged of the new jar "*) pass "a replaced jar runs, not the cache" ;;
    *) fail "a replaced jar: $said" ;;
esac
if grep -q "not of the same build" "$scratch/err"; then pass "and the launcher says that the cache is left out"; else fail "the launcher is silent about it"; fi
rm -rf "$copy/lib/cache"
expect "an image without a cache" 0 "edged of the new jar" "$copy/bin/edged" version
: >"$scratch/empty"
mkdir -p "$copy/lib/cache"
cp "$scratch/empty" "$copy/lib/cache/$(sed -n 's|^cache=$home/lib/cache/||p' "$copy/bin/edged")"
find "$copy" -exec touch -h -d "@$epoch" {} +
said=$("$copy/bin/edged" version 2>/dev/null) || said="code $?"
case $said in
    "edged of the new jar"*) pass "a broken cache is not fatal" ;;
    *) fail "a broken cache: $said" ;;
esac
exit $failed
