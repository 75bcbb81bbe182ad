#!/usr/bin/env bash
# Random bytes: as many as asked for, and never the same.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"

for bytes in 1 16 1000 100000; do
    check "$bytes bytes" p11_public --generate-random "$bytes" --output-file "random-$bytes"
    check "are $bytes" test "$(stat -c %s "random-$bytes")" -eq "$bytes"
done
quietly p11_public --generate-random 32 --output-file one
quietly p11_public --generate-random 32 --output-file two
expect_fail "two processes draw different bytes" 'differ' cmp one two
check "they don't compress" test "$(gzip -9 -c random-100000 | wc -c)" -gt 100000

finish
