#!/bin/sh
# What shellcheck has to say of the shell scripts, those that are shipped among them. Or says SKIP.
. "$(dirname "$0")/../dist/common.sh"
. "$(dirname "$0")/report.sh"

command -v shellcheck >/dev/null || {
    echo "SKIP the shell scripts: shellcheck is not installed"
    exit 0
}
check() { # script, further options of shellcheck
    if said=$(shellcheck -s sh -x -P SCRIPTDIR -P "$dist" -S warning "$@" 2>&1); then checked=$((checked + 1)); else fail "$said"; fi
}
checked=0
for script in "$dist"/*.sh "$packaging"/test/*.sh "$packaging"/*.sh "$packaging"/portability/*.sh "$packaging"/debian/p*; do
    case $script in
        # Its names are filled in when an image is made, and every shell there is compares the ages of files.
        */dist/launcher.sh) check "$script" -e SC2194,SC2043,SC3013 ;;
        *) check "$script" ;;
    esac
done
[ $failed = 1 ] || pass "shellcheck has nothing to say of $checked scripts"
exit $failed
