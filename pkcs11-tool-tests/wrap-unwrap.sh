#!/usr/bin/env bash
# Keys that travel: wrapped by the token and opened by openssl, wrapped by openssl and unwrapped by the token; and those
# that may not travel.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"

quietly p11_user --keypairgen --key-type RSA:2048 --label rsa --id 01 --usage-wrap --usage-decrypt
public_key rsa rsa.pem
quietly p11_user --keygen --key-type AES:32 --label kek --id 02 --extractable
quietly p11_user --read-object --type secrkey --label kek --output-file kek
quietly p11_user --keygen --key-type AES:16 --label traveller --id 03 --extractable
quietly p11_user --read-object --type secrkey --label traveller --output-file traveller
quietly p11_user --keygen --key-type AES:16 --label hermit --id 04 --sensitive
head -c 16 /dev/urandom >block

# same_key NAME LABEL: the key with that label encrypts as the traveller does.
same_key() {
    openssl enc -aes-128-ecb -nopad -K "$(hex traveller)" -in block -out expected
    check "$1: it is usable" p11_user --encrypt --mechanism AES-ECB --id "$2" --input-file block --output-file encrypted
    check "$1: it is the same key" cmp expected encrypted
}

# Out of the token.
check "RSA-PKCS wraps a key" p11_user --wrap --mechanism RSA-PKCS --id 01 --application-id 03 --output-file wrapped.rsa
check "AES-KEY-WRAP wraps a key" p11_user --wrap --mechanism AES-KEY-WRAP --id 02 --application-id 03 --output-file wrapped.aes
openssl enc -d -id-aes256-wrap -K "$(hex kek)" -iv a6a6a6a6a6a6a6a6 -in wrapped.aes -out unwrapped
check "openssl opens it with the same wrapping key" cmp traveller unwrapped

# And in again.
check "RSA-PKCS unwraps it" p11_user --unwrap --mechanism RSA-PKCS --id 01 --input-file wrapped.rsa \
    --key-type AES: --application-id 11 --application-label back-rsa --extractable
same_key "what RSA-PKCS brought back" 11
check "AES-KEY-WRAP unwraps it" p11_user --unwrap --mechanism AES-KEY-WRAP --id 02 --input-file wrapped.aes \
    --key-type AES: --application-id 12 --application-label back-aes
same_key "what AES-KEY-WRAP brought back" 12
expect_without "an unwrapped key doesn't claim to have been inside only" 'always sensitive|never extractable|local' \
    describe secrkey back-aes

# From openssl.
openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in traveller -out sent.rsa
check "the token unwraps what openssl wrapped by RSA" p11_user --unwrap --mechanism RSA-PKCS --id 01 \
    --input-file sent.rsa --key-type AES: --application-id 13 --application-label sent-rsa
same_key "what came by RSA" 13
openssl enc -id-aes256-wrap -K "$(hex kek)" -iv a6a6a6a6a6a6a6a6 -in traveller -out sent.aes
check "the token unwraps what openssl wrapped by AES" p11_user --unwrap --mechanism AES-KEY-WRAP --id 02 \
    --input-file sent.aes --key-type AES: --application-id 14 --application-label sent-aes
same_key "what came by AES" 14

# Refusals.
expect_fail "a key that isn't extractable doesn't leave by RSA" 'CKR_KEY_UNEXTRACTABLE' \
    p11_user --wrap --mechanism RSA-PKCS --id 01 --application-id 04 --output-file hermit.wrapped
expect_fail "nor by AES" 'CKR_KEY_UNEXTRACTABLE' \
    p11_user --wrap --mechanism AES-KEY-WRAP --id 02 --application-id 04 --output-file hermit.wrapped
check "and nothing of it was written" test ! -s hermit.wrapped
printf '\001' | dd of=wrapped.aes bs=1 seek=5 conv=notrunc status=none
expect_fail "a wrapped key that was changed is refused" 'CKR_' p11_user --unwrap --mechanism AES-KEY-WRAP --id 02 \
    --input-file wrapped.aes --key-type AES: --application-id 15 --application-label forged
expect_without "and leaves nothing behind" 'forged' p11_user --list-objects --type secrkey

finish
