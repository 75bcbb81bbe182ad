#!/usr/bin/env bash
# pkcs11-tool's own tests of a token, with every kind of key in it: no complaint in what it prints.
. "$(dirname "$0")/lib.sh"
fresh_token

# What pkcs11-tool prints when a test goes wrong, whatever its exit code then is.
complaint='[Ee]rror:|ERR|[Ff]ailed|FAIL|CKR_|Aborting|[1-9][0-9]* errors'

# clean NAME COMMAND...
clean() {
    local name=$1
    shift
    expect_without "$name" "$complaint" "$@"
}

clean "an empty token" p11_user --test
clean "an empty token, without a login" p11_public --test
expect "says that there were no errors" 'No errors' p11_user --test

# with_key NAME ARGUMENTS...: makes a key, tests the token, removes the key.
with_key() {
    local name=$1
    shift
    quietly p11_user "$@" --label "$name" --id 01
    clean "$name" p11_user --test
    local type
    for type in privkey pubkey secrkey; do
        p11_user --delete-object --type "$type" --label "$name" >/dev/null 2>&1 || true
    done
}

for bits in 2048 3072 4096; do
    with_key "rsa-$bits" --keypairgen --key-type "RSA:$bits"
done
for curve in prime256v1 secp384r1 secp521r1 secp256k1 edwards25519; do
    with_key "$curve" --keypairgen --key-type "EC:$curve"
done
if knows_x25519; then
    with_key curve25519 --keypairgen --key-type EC:curve25519
fi
with_key aes-256 --keygen --key-type AES:32
with_key generic --keygen --key-type GENERIC:32

# All of them at once, and with the certificate that some tests look for.
quietly p11_user --keypairgen --key-type RSA:2048 --label rsa --id 01
quietly p11_user --keypairgen --key-type RSA:2048 --label rsa-too --id 02
quietly p11_user --keypairgen --key-type EC:prime256v1 --label ec --id 03
quietly p11_user --keypairgen --key-type EC:edwards25519 --label ed --id 04
quietly p11_user --keygen --key-type AES:32 --label aes --id 05
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -out "$WORK/cert.der" -outform DER -subj "/CN=T" 2>/dev/null
openssl pkey -in "$WORK/key.pem" -outform DER -out "$WORK/key.der"
quietly p11_user --write-object "$WORK/key.der" --type privkey --label imported --id 06
quietly p11_user --write-object "$WORK/cert.der" --type cert --label imported --id 06
clean "all of them at once" p11_user --test
clean "all of them at once, with the module's own locking" p11_user --test --use-locking
clean "without a login" p11_public --test
clean "--test-fork" p11_public --test-fork
# The slot by its index: pkcs11-tool compares labels in a buffer that its threads write to as well.
expect "two threads, which initialise and look around" 'all threads have ended with CKR_OK' \
    p11 --slot-index 0 --test-threads ILGISLT0 --test-threads ILGISLT0

clean "--test-ec makes a pair of keys, signs, and writes the public one" \
    p11_user --session-rw --test-ec --key-type EC:prime256v1 --label test-ec --id 0a
clean "--test-ec on P-384" p11_user --session-rw --test-ec --key-type EC:secp384r1 --label test-ec --id 0b

clean "the list of mechanisms" p11_user --list-mechanisms
expect_without "no mechanism is unknown by flags" 'unknown' p11_user --list-mechanisms
if only_cloister "the list of interfaces"; then
    clean "the list of interfaces" p11 --list-interfaces
    for version in 3.2 3.0 2.40; do
        expect "has the interface $version" "version: ${version/./[.]}\$" p11 --list-interfaces
    done
fi

finish
