#!/usr/bin/env bash
# Tokens and PINs: initialise, log in, change, forget, lock and unlock.
. "$(dirname "$0")/lib.sh"
fresh_hsm

expect "a fresh HSM offers a free slot" 'uninitialized' p11 --list-slots
expect "the module names itself and its version" 'Cryptoki version +[23]\.[0-9]+' p11 --show-info
expect "a token is initialised" 'successfully initialized' \
    p11 --slot-index "$(free_slot)" --init-token --label "$TOKEN" --so-pin "$SO_PIN"
expect "its label is what was asked for" "token label +: $TOKEN\$" p11 --list-token-slots
expect_without "before a PIN is set the token doesn't claim one" 'PIN initialized' p11 --list-token-slots
expect_fail "a user without a PIN can't log in" 'CKR_USER_PIN_NOT_INITIALIZED|CKR_PIN_INCORRECT' p11_user --list-objects

expect "the officer sets the user's PIN" 'User PIN successfully initialized' p11_so --init-pin --pin "$PIN"
expect "then the token claims a PIN" 'PIN initialized' p11 --list-token-slots
check "the user logs in" p11_user --list-objects
expect_fail "a wrong PIN is refused" 'CKR_PIN_INCORRECT' p11_public --login --pin 000000 --list-objects
expect_fail "a wrong officer's PIN is refused" 'CKR_PIN_INCORRECT' \
    p11_public --login --login-type so --so-pin 00000000 --init-pin --pin "$PIN"
check "after a wrong PIN the right one is good" p11_user --list-objects

expect "the user changes the PIN" 'PIN successfully changed' p11_user --change-pin --new-pin 654321
expect_fail "the old PIN is dead" 'CKR_PIN_INCORRECT' p11_user --list-objects
check "the new PIN works" p11_public --login --pin 654321 --list-objects
expect_fail "a PIN that is too short is refused" 'CKR_PIN_LEN_RANGE' p11_public --login --pin 654321 --change-pin --new-pin 1
check "and the PIN stays what it was" p11_public --login --pin 654321 --list-objects

expect "the officer changes the officer's PIN" 'PIN successfully changed' \
    p11_so --change-pin --new-pin 11223344
expect_fail "the officer's old PIN is dead" 'CKR_PIN_INCORRECT' p11_so --init-pin --pin "$PIN"
SO_PIN=11223344
expect "the officer resets a forgotten PIN" 'User PIN successfully initialized' p11_so --init-pin --pin "$PIN"
check "the user has the PIN that the officer gave" p11_user --list-objects

if only_cloister "wrong PINs in a row lock the user, and the officer unlocks"; then
    p11_public --login --pin 000000 --list-objects >/dev/null 2>&1 || true
    expect "one wrong PIN shows in the token's flags" 'user PIN count low' p11 --list-token-slots
    for _ in 1 2 3; do
        p11_public --login --pin 000000 --list-objects >/dev/null 2>&1 || true
    done
    expect "before the last try the token warns" 'final user PIN try' p11 --list-token-slots
    p11_public --login --pin 000000 --list-objects >/dev/null 2>&1 || true
    expect "then the user is locked" 'user PIN locked' p11 --list-token-slots
    expect_fail "a locked user can't log in with the right PIN" 'CKR_PIN_LOCKED' p11_user --list-objects
    expect "the officer unlocks the user with a new PIN" 'User PIN successfully initialized' \
        p11_so --init-pin --pin "$PIN"
    expect_without "the token's flags are calm again" 'PIN (count low|locked)|final user PIN' p11 --list-token-slots
    check "the user logs in again" p11_user --list-objects
fi

expect_fail "initialising again needs the officer's PIN" 'CKR_PIN_INCORRECT' \
    p11_public --init-token --label other --so-pin 00000000
check "a key is made" p11_user --keygen --key-type AES:32 --label gone
expect "the officer initialises the token again" 'successfully initialized' \
    p11_public --init-token --label other --so-pin "$SO_PIN"
TOKEN=other
expect "and sets a PIN" 'User PIN successfully initialized' p11_so --init-pin --pin "$PIN"
expect_without "all its objects are gone" 'Secret Key' p11_user --list-objects

finish
