#!/usr/bin/env bash
# The AWS SDK for JavaScript, version 3, against a KMS front (K97).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
SCRIPT=kms-js

version=$(node --version)
version=${version#v}
if [ "${version%%.*}" -lt 20 ]; then
    skip "the SDK needs node 20 or later (this is $version)"
    finish
    exit
fi
# shellcheck disable=SC2119 # no line beyond the usual ones
fresh_front

run node --test --test-reporter=tap "$ROOT/target/kms-js/main.test.mjs"
while read -r result _ _ name; do
    case $result in
    ok) ok "$name" ;;
    not) fail "${name#- }" ;;
    esac
done < <(sed -nE 's/^ {4}(ok|not ok) /\1 /p' "$OUT" | sed 's/^not ok \([0-9]*\) - /not \1 - /')
[ "$STATUS" -eq 0 ] || show_output
[ "$STATUS" -eq 0 ] || [ "$FAILED" -gt 0 ] || fail "node ended with exit code $STATUS"

finish
