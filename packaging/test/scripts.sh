#!/bin/sh
# What shellcheck has to say of the shell scripts, those that are shipped among them. Or says SKIP.
. "$(dirname "$0")/../dist/common.sh"

command -v shellcheck >/dev/null || {
    echo "SKIP the shell scripts: shellcheck is not installed"
    exit 0
}
failed=0
check() { # script, what does not count there
    if said=$(shellcheck -s sh -x -P SCRIPTDIR -P "$dist" -S warning -e "${2:-SC1090}" "$1" 2>&1); then
        checked=$((checked + 1))
    else
        echo "FAIL $said"
        failed=1
    fi
}
checked=0
for script in "$dist"/*.sh "$packaging"/test/*.sh "$packaging"/*.sh "$packaging"/portability/*.sh "$packaging"/debian/p*; do
    case $script in
        # Its names are filled in when an image is made, and every shell there is compares the ages of files.
        */dist/launcher.sh) check "$script" SC2194,SC2043,SC3013 ;;
        *) check "$script" ;;
    esac
done
[ $failed = 1 ] || echo "PASS shellcheck has nothing to say of $checked scripts"
exit $failed
