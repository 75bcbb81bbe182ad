#!/usr/bin/env bash
# python-pkcs11 and PyKCS11 on the module, as their own users write; pytest's results become lines like the others.
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
fresh_token

export MODULE TOKEN PIN PYTHONDONTWRITEBYTECODE=1

# One process for each binding: each initialises the module for itself.
for file in "$ROOT"/tests/clients/python/test_*.py; do
    failed=$FAILED
    run "$ROOT/.venv/bin/python" -m pytest -p no:cacheprovider --tb=short -v "$file"
    while read -r test result _; do
        case $result in
        PASSED) ok "${test##*/}" ;;
        FAILED | ERROR) fail "${test##*/}" ;;
        SKIPPED) skip "${test##*/}" ;;
        esac
    done < <(grep -aE '^[^ ]+::[^ ]+ (PASSED|FAILED|ERROR|SKIPPED)' "$OUT")
    if [ "$STATUS" -ne 0 ]; then
        [ "$FAILED" -gt "$failed" ] || fail "pytest ended with exit code $STATUS"
        show_output
    fi
done

finish
