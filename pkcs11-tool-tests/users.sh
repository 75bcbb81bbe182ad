#!/usr/bin/env bash
# Named users: each with an own PIN `name:password`, an own retry counter and own private objects.
. "$(dirname "$0")/lib.sh"
fresh_token

if ! only_cloister "named users"; then
    finish
    exit
fi

# as USER COMMAND...: pkcs11-tool on the token, logged in with that PIN.
as() {
    local pin=$1
    shift
    p11_public --login --pin "$pin" "$@"
}

expect "the officer creates cu1" 'User PIN successfully initialized' p11_so --init-pin --pin cu1:secret-1
expect "and cu2" 'User PIN successfully initialized' p11_so --init-pin --pin cu2:secret-2
expect "the officer's PIN may name the officer" 'User PIN successfully initialized' \
    p11_public --login --login-type so --so-pin "so:$SO_PIN" --init-pin --pin cu3:secret-3
check "cu1 logs in" as cu1:secret-1 --list-objects
check "cu2 logs in" as cu2:secret-2 --list-objects
check "the default user still does" p11_user --list-objects
check "also by name" as "user:$PIN" --list-objects
expect_fail "cu1 doesn't log in with cu2's password" 'CKR_PIN_INCORRECT' as cu1:secret-2 --list-objects
expect_fail "a user who doesn't exist gets the same answer" 'CKR_PIN_INCORRECT' as nobody:secret-1 --list-objects
expect_fail "an officer's name is no user's" 'CKR_PIN_INCORRECT' as "so:$SO_PIN" --list-objects
expect_fail "a user can't log in as an officer" 'CKR_PIN_INCORRECT' \
    p11_public --login --login-type so --so-pin cu1:secret-1 --init-pin --pin cu4:secret-4

check "cu1 makes a key" as cu1:secret-1 --keypairgen --key-type EC:prime256v1 --label of-cu1 --id 01
check "cu2 makes a key" as cu2:secret-2 --keypairgen --key-type EC:prime256v1 --label of-cu2 --id 02
expect "cu1 sees the own private key" 'of-cu1' as cu1:secret-1 --list-objects --type privkey
expect_without "and not cu2's" 'of-cu2' as cu1:secret-1 --list-objects --type privkey
expect "but the public key of cu2" 'of-cu2' as cu1:secret-1 --list-objects --type pubkey
expect_without "the default user sees neither private key" 'of-cu' p11_user --list-objects --type privkey
echo "A message." >"$WORK/message"
check "cu1 signs with the own key" \
    as cu1:secret-1 --sign --mechanism ECDSA-SHA256 --id 01 --input-file "$WORK/message" --output-file "$WORK/signature"
expect_fail "and not with cu2's" 'not found' \
    as cu1:secret-1 --sign --mechanism ECDSA-SHA256 --id 02 --input-file "$WORK/message" --output-file "$WORK/signature"

expect "cu1 changes the own PIN" 'PIN successfully changed' as cu1:secret-1 --change-pin --new-pin changed-1
check "and logs in with it" as cu1:changed-1 --list-objects
expect_fail "the old one is dead" 'CKR_PIN_INCORRECT' as cu1:secret-1 --list-objects
check "cu2's is as it was" as cu2:secret-2 --list-objects
expect "the officer resets cu1" 'User PIN successfully initialized' p11_so --init-pin --pin cu1:reset-1
expect "cu1 has the own keys again" 'of-cu1' as cu1:reset-1 --list-objects --type privkey

for _ in 1 2 3 4 5; do
    as cu2:wrong-password --list-objects >/dev/null 2>&1 || true
done
expect_fail "five wrong PINs lock cu2" 'CKR_PIN_LOCKED' as cu2:secret-2 --list-objects
check "and nobody else" as cu1:reset-1 --list-objects
check "not the default user either" p11_user --list-objects
expect "the officer unlocks cu2" 'User PIN successfully initialized' p11_so --init-pin --pin cu2:fresh-2
expect "who has the own keys again" 'of-cu2' as cu2:fresh-2 --list-objects --type privkey
expect_fail "a password that is too short is refused" 'CKR_PIN_LEN_RANGE' p11_so --init-pin --pin cu5:abc
expect_fail "an officer uses no keys" 'CKR_' p11_so --session-rw --keypairgen --key-type EC:prime256v1 --label officers

finish
