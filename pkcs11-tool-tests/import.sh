#!/usr/bin/env bash
# Keys and certificates made by openssl, written into the token and used there.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"
echo "What the imported keys sign." >message

# import_pair NAME MECHANISM OPENSSL-GENPKEY-ARGUMENTS...: private and public key and a certificate; a signature by the
# token must satisfy the public key that never was there.
import_pair() {
    local name=$1 mechanism=$2
    shift 2
    openssl genpkey "$@" -out key.pem 2>/dev/null
    openssl pkey -in key.pem -outform DER -out key.der
    openssl pkey -in key.pem -pubout -out pub.pem
    openssl pkey -in key.pem -pubout -outform DER -out pub.der
    openssl req -x509 -new -key key.pem -subj "/CN=$name" -days 2 -outform DER -out cert.der

    expect "$name: private key written" 'Created private key' \
        p11_user --write-object key.der --type privkey --label "$name" --id 01 --usage-sign --sensitive
    expect "$name: public key written" 'Created public key' \
        p11_user --write-object pub.der --type pubkey --label "$name" --id 01 --usage-sign
    expect "$name: certificate written" 'Created certificate' \
        p11_user --write-object cert.der --type cert --label "$name" --id 01
    public_key "$name" pub.back
    check "$name: the public key read back is the same" cmp pub.pem pub.back
    expect_without "$name: an imported key doesn't claim to be made here" 'local|always sensitive|never extractable' \
        describe privkey "$name"
    check "$name: signs" p11_user --sign --mechanism "$mechanism" --signature-format openssl --id 01 \
        --input-file message --output-file signature
    expect "$name: openssl verifies" 'Verified OK' openssl dgst -sha256 -verify pub.pem -signature signature message
    check "$name: the token verifies" p11_user --verify --mechanism "$mechanism" --signature-format openssl \
        --id 01 --input-file message --signature-file signature
    for type in privkey pubkey cert; do
        quietly p11_user --delete-object --type "$type" --label "$name"
    done
}

import_pair rsa-2048 SHA256-RSA-PKCS -algorithm RSA -pkeyopt rsa_keygen_bits:2048
import_pair rsa-3072 SHA256-RSA-PKCS -algorithm RSA -pkeyopt rsa_keygen_bits:3072
if only_cloister "EC keys hash and sign"; then
    for curve in P-224 P-256 P-384 P-521 secp256k1; do
        import_pair "ec-$curve" ECDSA-SHA256 -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" \
            -pkeyopt ec_param_enc:named_curve
    done
fi

# The PEM and the older form that openssl also writes.
openssl genrsa -traditional -out old.pem 2048 2>/dev/null
expect "an RSA key in the older PEM form" 'Created private key' \
    p11_user --write-object old.pem --type privkey --label old --id 02

# Secret keys.
head -c 32 /dev/urandom >aes
expect "an AES key" 'Secret Key Object; AES length 32' \
    p11_user --write-object aes --type secrkey --key-type AES:32 --label aes
if only_cloister "an AES key of 15 bytes is refused"; then
    head -c 15 /dev/urandom >short
    expect_fail "an AES key of 15 bytes is refused" 'CKR_' \
        p11_user --write-object short --type secrkey --key-type AES:15 --label short
fi

# Nonsense.
echo "this is no key" >nonsense
expect_fail "a private key that is none is refused" 'error|Cannot|rror' \
    p11_user --write-object nonsense --type privkey --label nonsense
expect_without "and leaves nothing" 'nonsense|short' p11_user --list-objects

finish
