# Pinned Debian packages, from the mirrors that this machine's apt knows. Scripts run it behind common.sh; it wants the lock
# file in $lock and in $renewal the command that renews it. Not a program.
# shellcheck shell=sh disable=SC2154

apt_home=$packages/apt

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

# Leaves the pinned package in the cache, or ends the build.
fetch_one() {
    file=$packages/$(file_name "$1" "$3" "$4")
    if [ ! -f "$file" ]; then
        apt_ready
        say "fetching $3 $4 for $1"
        (cd "$packages" && apt-get download -qq "$3:$1=$4" >"$apt_home/download.log" 2>&1) || {
            cat "$apt_home/download.log" >&2
            die "the mirrors do not have $3 $4 for $1, which ${lock#"$root/"} pins; $renewal takes what they have now"
        }
    fi
    echo "$5  $file" | sha256sum --check --status || {
        rm -f "$file"
        die "$3 $4 for $1 is not what ${lock#"$root/"} pins (SHA-256); it was removed, try again; if it stays so, ask why before $renewal"
    }
}
