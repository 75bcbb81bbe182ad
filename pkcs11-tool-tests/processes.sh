#!/usr/bin/env bash
# Several processes on one token, in turn and at once: each sees what another has finished.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"
echo "Signed by one process, verified by another." >message

check "one process makes a key" p11_user --keypairgen --key-type EC:prime256v1 --label shared --id 01
openssl dgst -sha256 -binary message >digest
check "a second signs with it" p11_user --sign --mechanism ECDSA --id 01 --input-file digest --output-file signature
expect "a third verifies" 'Signature is valid' \
    p11_user --verify --mechanism ECDSA --id 01 --input-file digest --signature-file signature
check "a fourth deletes it" p11_user --delete-object --type privkey --id 01
expect_without "a fifth doesn't find it" 'Private Key' p11_user --list-objects --type privkey
expect_fail "a sixth can't sign with it" 'not found' \
    p11_user --sign --mechanism ECDSA --id 01 --input-file digest --output-file signature

# At once: eight processes, each makes five keys of its own; none may be lost.
writers=8
each=5
write_keys() {
    local key
    for key in $(seq $each); do
        p11_user --keygen --key-type AES:32 --label "writer-$1-$key" --id "$(printf '%02x%02x' "$1" "$key")" \
            >"writer-$1-$key.log" 2>&1 || echo "$1-$key" >>lost
    done
}
pids=()
for writer in $(seq $writers); do
    write_keys "$writer" &
    pids+=($!)
done
wait "${pids[@]}"
check "eight processes write at once, and none is refused" test ! -e lost
p11_user --list-objects --type secrkey >listing 2>/dev/null
check "every key is there" test "$(grep -c 'label: *writer-' listing)" -eq $((writers * each))
check "each once" test "$(grep 'label: *writer-' listing | sort -u | wc -l)" -eq $((writers * each))

# A wrong PIN counts, whichever process gave it.
if only_cloister "wrong PINs count across processes"; then
    pids=()
    for _ in 1 2 3 4 5; do
        p11_public --login --pin 000000 --list-objects >/dev/null 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || true
    done
    expect_fail "five processes with a wrong PIN lock the user" 'CKR_PIN_LOCKED' p11_user --list-objects
fi

finish
