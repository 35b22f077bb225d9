# What a test says of what it found; tests read it with "." and end with exit $failed. Not a program.
# shellcheck shell=sh
# shellcheck disable=SC2034
failed=0
pass() { echo "PASS $*"; }
fail() {
    echo "FAIL $*"
    failed=1
}
