# shellcheck shell=bash
# For scripts that hand over to pytest: its results become lines like the others.

export PYTHONDONTWRITEBYTECODE=1

# run_pytest ARGUMENT...: one process of pytest, a line for each of its tests.
run_pytest() {
    # shellcheck disable=SC2153 # it is lib.sh's
    local failed=$FAILED
    run "$ROOT/.venv/bin/python" -m pytest -p no:cacheprovider --tb=short -v "$@"
    while read -r test result _; do
        case $result in
        PASSED) ok "${test##*/}" ;;
        FAILED | ERROR) fail "${test##*/}" ;;
        SKIPPED) skip "${test##*/}" ;;
        esac
    done < <(grep -aE '^[^ ]+::.+ (PASSED|FAILED|ERROR|SKIPPED)' "$OUT" | sed -E 's/ +(\[ *[0-9]+%\])?$//; s/ (PASSED|FAILED|ERROR|SKIPPED)( \(.*\))?$/\t\1/; s/ /_/g; s/\t/ /')
    if [ "$STATUS" -ne 0 ]; then
        [ "$FAILED" -gt "$failed" ] || fail "pytest ended with exit code $STATUS"
        show_output
    fi
}
