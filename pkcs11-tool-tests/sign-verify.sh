#!/usr/bin/env bash
# Signatures: by the token, verified by plain openssl; by openssl or the token, verified by the token; and every one
# refused once the message has changed.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"
echo "A short message." >short
head -c 20000 /dev/urandom >long # more than one C_SignUpdate of pkcs11-tool
echo "Another message." >other

# The id of a key is what pkcs11-tool finds it by when it signs.
quietly p11_user --keypairgen --key-type RSA:2048 --label rsa --id 01
public_key rsa rsa.pem

# verified_both_ways NAME KEY-ID MESSAGE OPENSSL-COMMAND... -- PKCS11-TOOL-ARGUMENTS...: signs; openssl verifies; the token
# verifies, and refuses another message.
verified_both_ways() {
    local name=$1 id=$2 message=$3 plain=()
    shift 3
    while [ "$1" != -- ]; do
        plain+=("$1")
        shift
    done
    shift
    check "$name: signed" p11_user --sign --id "$id" --input-file "$message" --output-file signature "$@"
    expect "$name: openssl agrees" 'Verified OK|Verified Successfully' "${plain[@]}"
    expect "$name: the token agrees" 'Signature is valid' \
        p11_user --verify --id "$id" --input-file "$message" --signature-file signature "$@"
    expect_without "$name: another message is refused" 'Signature is valid' \
        p11_user_any --verify --id "$id" --input-file other --signature-file signature "$@"
    rm -f signature
}

# pkcs11-tool says of a bad signature what it likes with its exit code; only a crash counts.
p11_user_any() {
    p11_user "$@" || [ $? -lt 126 ]
}

rsa_pkcs1() {
    local mechanism=$1 hash=$2 message=$3
    verified_both_ways "$mechanism of a $message message" 01 "$message" \
        openssl dgst "-$hash" -verify rsa.pem -signature signature "$message" -- --mechanism "$mechanism"
}

rsa_pss() {
    local mechanism=$1 hash=$2
    verified_both_ways "$mechanism" 01 long openssl dgst "-$hash" -verify rsa.pem -signature signature \
        -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest long -- --mechanism "$mechanism"
}

ecdsa() {
    local mechanism=$1 hash=$2 curve=$3 id=$4 message=$5
    verified_both_ways "$mechanism on $curve" "$id" "$message" \
        openssl dgst "-$hash" -verify "$curve.pem" -signature signature "$message" \
        -- --mechanism "$mechanism" --signature-format openssl
}

for hash in 1 224 256 384 512; do
    rsa_pkcs1 "SHA$hash-RSA-PKCS" "sha$hash" short
    rsa_pkcs1 "SHA$hash-RSA-PKCS" "sha$hash" long
    rsa_pss "SHA$hash-RSA-PKCS-PSS" "sha$hash"
done
if only_cloister "RSA with SHA-3"; then
    for hash in 224 256 384 512; do
        rsa_pkcs1 "SHA3-$hash-RSA-PKCS" "sha3-$hash" long
        rsa_pss "SHA3-$hash-RSA-PKCS-PSS" "sha3-$hash"
    done
fi

# Raw forms: what is signed was hashed before, or never.
openssl dgst -sha256 -binary short >digest
verified_both_ways "RSA-PKCS of a few bytes" 01 short \
    openssl pkeyutl -verify -pubin -inkey rsa.pem -sigfile signature -in short -pkeyopt rsa_padding_mode:pkcs1 \
    -- --mechanism RSA-PKCS
check "RSA-PKCS-PSS of a digest, with a salt of 20 bytes" p11_user --sign --id 01 --mechanism RSA-PKCS-PSS \
    --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 20 --input-file digest --output-file signature
expect "openssl agrees" 'Verified Successfully|Verified OK' openssl dgst -sha256 -verify rsa.pem -signature signature \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 short
head -c 255 /dev/zero | tr '\0' 'x' >block
{ printf '\0' && cat block; } >padded
check "RSA-X-509 of a full block" p11_user --sign --id 01 --mechanism RSA-X-509 --input-file padded --output-file signature
check "openssl gets the block back" openssl pkeyutl -verifyrecover -pubin -inkey rsa.pem -in signature -out recovered \
    -pkeyopt rsa_padding_mode:none
check "byte for byte" cmp padded recovered

# Elliptic curves.
number=10
for curve in prime256v1 secp384r1 secp521r1 secp256k1 secp224r1; do
    number=$((number + 1))
    quietly p11_user --keypairgen --key-type "EC:$curve" --label "$curve" --id "$number"
    public_key "$curve" "$curve.pem"
    # 28 bytes, the longest digest that fits the order of every one of these curves
    openssl dgst -sha224 -binary short >digest
    verified_both_ways "ECDSA of a digest on $curve" "$number" digest \
        openssl pkeyutl -verify -pubin -inkey "$curve.pem" -sigfile signature -in digest \
        -- --mechanism ECDSA --signature-format openssl
    if only_cloister "ECDSA with hashes on $curve"; then
        for hash in 1 224 256 384 512; do
            ecdsa "ECDSA-SHA$hash" "sha$hash" "$curve" "$number" long
        done
        for hash in 224 256 384 512; do
            ecdsa "ECDSA-SHA3-$hash" "sha3-$hash" "$curve" "$number" short
        done
    fi
done
check "ECDSA in the standard's own form" p11_user --sign --id 11 --mechanism ECDSA --input-file digest --output-file signature
check "is twice the length of the order" test "$(stat -c %s signature)" -eq 64

# EdDSA.
quietly p11_user --keypairgen --key-type EC:edwards25519 --label ed25519 --id 20
public_key ed25519 ed25519.pem
if only_cloister "EdDSA"; then
    verified_both_ways "Ed25519" 20 short \
        openssl pkeyutl -verify -pubin -inkey ed25519.pem -rawin -sigfile signature -in short -- --mechanism EDDSA
fi

# MACs: the key is extractable, so that openssl can compute the same.
quietly p11_user --keygen --key-type GENERIC:64 --label mac --id 30 --extractable
quietly p11_user --read-object --type secrkey --label mac --output-file mac.key
for hash in SHA-1:sha1 SHA224:sha224 SHA256:sha256 SHA384:sha384 SHA512:sha512 \
    SHA3-224:sha3-224 SHA3-256:sha3-256 SHA3-384:sha3-384 SHA3-512:sha3-512; do
    mechanism=${hash%:*}-HMAC
    case $mechanism in
    SHA3-*) only_cloister "$mechanism" || continue ;;
    esac
    openssl dgst "-${hash#*:}" -mac HMAC -macopt "hexkey:$(hex mac.key)" -binary long >mac.expected
    check "$mechanism" p11_user --sign --id 30 --mechanism "$mechanism" --input-file long --output-file mac.token
    check "$mechanism is what openssl computes" cmp mac.expected mac.token
    expect "$mechanism verified by the token" 'Signature is valid' \
        p11_user --verify --id 30 --mechanism "$mechanism" --input-file long --signature-file mac.token
done
if only_cloister "a short HMAC key"; then
    quietly p11_user --keygen --key-type GENERIC:5 --label stub --id 31 --extractable
    quietly p11_user --read-object --type secrkey --label stub --output-file stub.key
    openssl dgst -sha512 -mac HMAC -macopt "hexkey:$(hex stub.key)" -binary long >mac.expected
    check "an HMAC key may be shorter than the hash" \
        p11_user --sign --id 31 --mechanism SHA512-HMAC --input-file long --output-file mac.token
    check "and gives what openssl computes" cmp mac.expected mac.token
fi
# Digests.
for hash in SHA-1:sha1 SHA224:sha224 SHA256:sha256 SHA384:sha384 SHA512:sha512 \
    SHA3-224:sha3-224 SHA3-256:sha3-256 SHA3-384:sha3-384 SHA3-512:sha3-512; do
    case $hash in
    SHA3-*) only_cloister "digest ${hash%:*}" || continue ;;
    esac
    openssl dgst "-${hash#*:}" -binary long >digest.expected
    check "digest ${hash%:*}" p11_public --hash --mechanism "${hash%:*}" --input-file long --output-file digest.token
    check "digest ${hash%:*} is what openssl computes" cmp digest.expected digest.token
done

if only_cloister "a key of another type is refused"; then
    expect_fail "a key of another type is refused" 'CKR_KEY_TYPE_INCONSISTENT' \
        p11_user --sign --id 11 --mechanism SHA256-RSA-PKCS --input-file short --output-file signature
fi

finish
