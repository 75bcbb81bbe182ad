#!/usr/bin/env bash
# Random bytes: as many as asked for, and never the same.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"

for bytes in 1 16 1000 100000; do
    check "$bytes bytes" p11_public --generate-random "$bytes" --output-file "random-$bytes"
    check "are $bytes" test "$(stat -c %s "random-$bytes")" -eq "$bytes"
done
p11_public --generate-random 32 --output-file one 2>/dev/null
p11_public --generate-random 32 --output-file two 2>/dev/null
expect_fail "two processes draw different bytes" 'differ' cmp one two
check "they don't compress" test "$(gzip -9 -c random-100000 | wc -c)" -gt 100000

finish
