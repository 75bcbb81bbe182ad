#!/usr/bin/env bash
# Keys made in the token: every kind that pkcs11-tool can ask for, and what the token says about them.
. "$(dirname "$0")/lib.sh"
fresh_token

for bits in 2048 3072 4096; do
    expect "RSA $bits is generated" "Public Key Object; RSA $bits bits" \
        p11_user --keypairgen --key-type "RSA:$bits" --label "rsa-$bits" --id "$bits"
    public_key "rsa-$bits" "$WORK/pub.pem"
    expect "openssl reads it as $bits bits with exponent 65537" "Public-Key: \($bits bit\)" \
        openssl pkey -pubin -in "$WORK/pub.pem" -noout -text
    expect "with the exponent 65537" 'Exponent: 65537' openssl pkey -pubin -in "$WORK/pub.pem" -noout -text
done

for curve in prime256v1 secp384r1 secp521r1 secp256k1 secp224r1; do
    expect "$curve is generated" 'Public Key Object; EC ' \
        p11_user --keypairgen --key-type "EC:$curve" --label "$curve"
    public_key "$curve" "$WORK/pub.pem"
    expect "openssl reads it as a point of $curve" "ASN1 OID: $curve" \
        openssl pkey -pubin -in "$WORK/pub.pem" -noout -text
    check "and the point is on the curve" openssl pkey -pubin -in "$WORK/pub.pem" -noout -pubcheck
done

expect "Ed25519 is generated" 'Public Key Object; EC_EDWARDS' \
    p11_user --keypairgen --key-type EC:edwards25519 --label ed25519
public_key ed25519 "$WORK/pub.pem"
expect "openssl reads it" 'ED25519 Public-Key' openssl pkey -pubin -in "$WORK/pub.pem" -noout -text

if knows_x25519; then
    expect "X25519 is generated" 'Public Key Object; EC_MONTGOMERY' \
        p11_user --keypairgen --key-type EC:curve25519 --label x25519
    public_key x25519 "$WORK/pub.pem"
    expect "openssl reads it" 'X25519 Public-Key' openssl pkey -pubin -in "$WORK/pub.pem" -noout -text
fi

for bytes in 16 24 32; do
    expect "AES with $((bytes * 8)) bits is generated" "Secret Key Object; AES length $bytes" \
        p11_user --keygen --key-type "AES:$bytes" --label "aes-$bytes"
done
for bytes in 1 20 64 200; do
    expect "a generic secret of $bytes bytes is generated" "Secret Key Object; Generic secret length $bytes" \
        p11_user --keygen --key-type "GENERIC:$bytes" --label "generic-$bytes"
done

expect "a generated private key says that it never was outside" \
    'Access: .*sensitive, always sensitive, never extractable, local' \
    describe privkey rsa-2048
expect "one that is made extractable doesn't" 'Access: .*extractable' \
    p11_user --keygen --key-type AES:32 --label loose --extractable
expect_without "and never claims to have been inside only" 'never extractable' \
    describe secrkey loose
expect "a sensitive secret key says so" 'Access: .*sensitive, always sensitive, never extractable, local' \
    p11_user --keygen --key-type AES:32 --label sealed --sensitive

expect_fail "nobody reads a sensitive key" 'CKR_ATTRIBUTE_SENSITIVE|CKA_VALUE|VALUE' \
    p11_user --read-object --type secrkey --label sealed
expect "a key's id is what was asked for" 'ID: +2048' describe privkey rsa-2048

if only_cloister "RSA with 512 bits is refused"; then
    expect_fail "RSA with 512 bits is refused" 'CKR_KEY_SIZE_RANGE|CKR_ATTRIBUTE_VALUE_INVALID' \
        p11_user --keypairgen --key-type RSA:512 --label tiny
fi
expect_fail "AES with 17 bytes is refused" 'CKR_KEY_SIZE_RANGE|CKR_ATTRIBUTE_VALUE_INVALID' \
    p11_user --keygen --key-type AES:17 --label odd
expect_without "a refused generation leaves nothing behind" 'tiny|odd' p11_user --list-objects
expect_fail "without a login no private key is made" 'CKR_USER_NOT_LOGGED_IN' \
    p11_public --session-rw --keypairgen --key-type EC:prime256v1 --label nobody

finish
