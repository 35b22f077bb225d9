#!/bin/sh
# The packages of the runtime images. `update` resolves them with the machine's own apt sources and pins them in
# runtime.lock; `fetch` takes exactly what is pinned, from the cache or from those sources, and unpacks it.
. "$(dirname "$0")/common.sh"
. "$packaging/dist/apt.sh"

# shellcheck disable=SC2034 # for apt.sh
renewal="make update-runtime-lock"

wanted() { # architecture, purpose and name of every package
    for architecture in $architectures; do
        for package in $image_packages; do echo "$architecture image $package"; done
        for package in $test_packages; do echo "$architecture test $package"; done
    done
    for package in $tool_packages; do echo "amd64 tool $package"; done
}

update() {
    apt_ready
    mkdir -p "$packages"
    {
        echo "# The packages that the runtime images consist of, made by make update-runtime-lock; do not edit."
        echo "# architecture purpose package version sha256"
        echo "suite $suite"
        wanted | while read -r architecture purpose package; do
            found=$(apt-cache show --no-all-versions "$package:$architecture" |
                awk '/^Version: /{v=$2} /^SHA256: /{s=$2} END{if (v && s) print v, s}')
            [ -n "$found" ] || die "$suite has no $package for $architecture"
            echo "$architecture $purpose $package $found"
        done
    } >"$lock.new"
    [ "$(grep -c '^[a-z0-9]* \(image\|tool\|test\) ' "$lock.new")" = "$(wanted | wc -l)" ] || die "not every package was found; runtime.lock stays as it was"
    # While a mirror is being filled, an update can be there for some architectures only. (+bN: built again.)
    uneven=$(sed -n 's/^[a-z0-9]* image \([^ ]*\) \([^ ]*\) .*/\1 \2/p' "$lock.new" | sed 's/+b[0-9]*$//' | sort -u | cut -d ' ' -f 1 | uniq -d)
    [ -z "$uneven" ] || die "the mirrors have different versions for different architectures of: $uneven; runtime.lock stays as it was, try again later"
    mv "$lock.new" "$lock"
    say "wrote $lock"
}

check() {
    [ -f "$lock" ] || die "packaging/runtime.lock is missing; make update-runtime-lock writes it"
    wanted | sort >"$work/wanted"
    sed -n 's/^\([a-z0-9]*\) \(image\|tool\|test\) \([^ ]*\) [^ ]* [0-9a-f]\{64\}$/\1 \2 \3/p' "$lock" | sort >"$work/pinned"
    if ! grep -qx "suite $suite" "$lock" || ! cmp -s "$work/wanted" "$work/pinned"; then
        diff "$work/pinned" "$work/wanted" >&2 || true
        die "packaging/runtime.lock is stale: it does not pin what the images are made of; make update-runtime-lock renews it"
    fi
}

fetch() {
    mkdir -p "$packages" "$work/packages"
    check
    grep -v '^#\|^suite ' "$lock" >"$work/locked"
    while read -r architecture purpose package locked_version sha; do
        fetch_one "$architecture" "$purpose" "$package" "$locked_version" "$sha"
    done <"$work/locked"
    stamp=$(sha256sum "$lock")
    [ "$(cat "$work/packages/stamp" 2>/dev/null)" = "$stamp" ] && return
    rm -rf "$work/packages"
    mkdir -p "$work/packages/tools"
    while read -r architecture purpose package locked_version _; do
        file=$packages/$(file_name "$architecture" "$package" "$locked_version")
        mkdir -p "$work/packages/$architecture" "$work/packages/test-$architecture"
        case $purpose in
            image)
                dpkg-deb -x "$file" "$work/packages/$architecture"
                if [ "$architecture" = amd64 ]; then dpkg-deb -x "$file" "$work/packages/tools"; fi
                ;;
            tool) dpkg-deb -x "$file" "$work/packages/tools" ;;
            test) dpkg-deb -x "$file" "$work/packages/test-$architecture" ;;
        esac
    done <"$work/locked"
    # The package's configuration is linked by absolute names, which mean another file here.
    find "$work/packages/tools/usr/lib/jvm" -type l | while read -r link; do
        to=$(readlink "$link")
        case $to in /etc/*) [ ! -f "$work/packages/tools$to" ] || ln -sf "$work/packages/tools$to" "$link" ;; esac
    done
    echo "$stamp" >"$work/packages/stamp"
}

mkdir -p "$work"
case ${1:-} in
    update) update ;;
    check) check ;;
    fetch) fetch ;;
    *) die "usage: runtime.sh update|check|fetch" ;;
esac
