#!/bin/sh
# The packages of the runtime images. `update` resolves them with the machine's own apt sources and pins them in
# runtime.lock; `fetch` takes exactly what is pinned, from the cache or from those sources, and unpacks it.
. "$(dirname "$0")/common.sh"

apt_home=$packages/apt

wanted() { # architecture, purpose and name of every package
    for architecture in $architectures; do
        for package in $image_packages; do echo "$architecture image $package"; done
        for package in $test_packages; do echo "$architecture test $package"; done
    done
    for package in $tool_packages; do echo "amd64 tool $package"; done
}

# Mirrors of Debian as this machine's apt knows them; the suites of the images are another release than the machine's.
sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f $keyring ] || die "$keyring is missing; install debian-archive-keyring"
    apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' | sort -u |
        while read -r origin label uri; do
            case "$origin $label $uri" in
                'Debian Debian '*)
                    echo "deb [signed-by=$keyring] $uri $suite main"
                    echo "deb [signed-by=$keyring] $uri $suite-updates main"
                    ;;
                'Debian Debian-Security '*) echo "deb [signed-by=$keyring] $uri $suite-security main" ;;
            esac
        done | sort -u
}

apt_ready() {
    [ -z "${apt_is_ready:-}" ] || return 0
    command -v apt-get >/dev/null || die "apt-get is missing; packages come from the mirrors that it knows"
    mkdir -p "$apt_home/lists/partial" "$apt_home/archives/partial"
    : >"$apt_home/status"
    sources >"$apt_home/sources.list"
    grep -q " $suite main" "$apt_home/sources.list" || die "this machine's apt has no Debian mirror; run apt-get update, or add one to its sources"
    cat >"$apt_home/apt.conf" <<END
Dir::Etc::sourcelist "$apt_home/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt_home";
Dir::State::status "$apt_home/status";
Dir::Cache "$apt_home";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; "riscv64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
END
    APT_CONFIG=$apt_home/apt.conf
    export APT_CONFIG
    say "reading the package lists of $suite"
    if ! apt-get update -qq >"$apt_home/update.log" 2>&1; then
        cat "$apt_home/update.log" >&2
        if grep -q "^E:" "$apt_home/update.log" && apt-cache policy 2>/dev/null | grep -q "n=$suite,"; then
            say "not every list could be read (above); going on with those that could"
        else
            die "no list of $suite could be read"
        fi
    fi
    apt_is_ready=yes
}

file_name() { echo "$2_$(echo "$3" | sed 's/:/%3a/g')_$1.deb"; }

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

# Leaves the pinned package in the cache, or ends the build.
fetch_one() {
    file=$packages/$(file_name "$1" "$3" "$4")
    if [ ! -f "$file" ]; then
        apt_ready
        say "fetching $3 $4 for $1"
        (cd "$packages" && apt-get download -qq "$3:$1=$4" >"$apt_home/download.log" 2>&1) || {
            cat "$apt_home/download.log" >&2
            die "the mirrors do not have $3 $4 for $1, which packaging/runtime.lock pins; make update-runtime-lock takes what they have now"
        }
    fi
    echo "$5  $file" | sha256sum --check --status || {
        rm -f "$file"
        die "$3 $4 for $1 is not what packaging/runtime.lock pins (SHA-256); it was removed, try again; if it stays so, ask why before make update-runtime-lock"
    }
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
