#!/usr/bin/env bash
# Encryption: what openssl encrypts the token decrypts, and the other way round.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"
echo "For the token's eyes only." >message
head -c 4096 /dev/urandom >blocks
head -c 5001 /dev/urandom >odd

quietly p11_user --keypairgen --key-type RSA:2048 --label rsa --id 01
public_key rsa rsa.pem

# rsa_decrypts NAME MESSAGE OPENSSL-OPTIONS... -- PKCS11-TOOL-OPTIONS...: openssl encrypts, the token decrypts.
rsa_decrypts() {
    local name=$1 message=$2 plain=()
    shift 2
    while [ "$1" != -- ]; do
        plain+=(-pkeyopt "$1")
        shift
    done
    shift
    openssl pkeyutl -encrypt -pubin -inkey rsa.pem "${plain[@]}" -in "$message" -out secret
    check "$name: the token decrypts" p11_user --decrypt --id 01 --input-file secret --output-file clear "$@"
    check "$name: every byte" cmp "$message" clear
    rm -f secret clear
}

rsa_decrypts "RSA-PKCS" message rsa_padding_mode:pkcs1 -- --mechanism RSA-PKCS
rsa_decrypts "RSA-PKCS-OAEP with SHA-1" message rsa_padding_mode:oaep -- --mechanism RSA-PKCS-OAEP --hash-algorithm SHA-1
if only_cloister "RSA-PKCS-OAEP with other hashes"; then
    for hash in 224 256 384 512; do
        rsa_decrypts "RSA-PKCS-OAEP with SHA-$hash" message rsa_padding_mode:oaep "rsa_oaep_md:sha$hash" \
            "rsa_mgf1_md:sha$hash" -- --mechanism RSA-PKCS-OAEP --hash-algorithm "SHA$hash" --mgf "MGF1-SHA$hash"
    done
    rsa_decrypts "RSA-PKCS-OAEP with SHA-256, MGF1 with SHA-1" message rsa_padding_mode:oaep rsa_oaep_md:sha256 \
        rsa_mgf1_md:sha1 -- --mechanism RSA-PKCS-OAEP --hash-algorithm SHA256 --mgf MGF1-SHA1
    rsa_decrypts "RSA-PKCS-OAEP with SHA3-256" message rsa_padding_mode:oaep rsa_oaep_md:sha3-256 \
        rsa_mgf1_md:sha3-256 -- --mechanism RSA-PKCS-OAEP --hash-algorithm SHA3-256 --mgf MGF1-SHA3_256
fi
: >nothing
rsa_decrypts "RSA-PKCS of nothing" nothing rsa_padding_mode:pkcs1 -- --mechanism RSA-PKCS
head -c 256 /dev/urandom >noise
expect_fail "OAEP doesn't take noise for a message" 'CKR_' p11_user --decrypt --id 01 --mechanism RSA-PKCS-OAEP \
    --hash-algorithm SHA-1 --input-file noise --output-file clear

iv=000102030405060708090a0b0c0d0e0f
for bytes in 16 24 32; do
    id=$((bytes + 10))
    quietly p11_user --keygen --key-type "AES:$bytes" --label "aes-$bytes" --id "$id" --extractable
    quietly p11_user --read-object --type secrkey --label "aes-$bytes" --output-file key

    # mode PKCS11-MECHANISM OPENSSL-MODE MESSAGE OPTIONS: both ways.
    mode() {
        local mechanism=$1 name="$1 with $((bytes * 8)) bits" cipher=aes-$((bytes * 8))-$2 message=$3 options=() plain=()
        [ "$2" = ecb ] || { options+=(--iv "$iv") && plain+=(-iv "$iv"); }
        [ "$mechanism" = AES-CBC-PAD ] || plain+=(-nopad)
        check "$name: the token encrypts" p11_user --encrypt --mechanism "$mechanism" --id "$id" "${options[@]}" \
            --input-file "$message" --output-file secret
        openssl enc "-$cipher" -K "$(hex key)" "${plain[@]}" -in "$message" -out secret.plain
        check "$name: as openssl does" cmp secret.plain secret
        check "$name: the token decrypts" p11_user --decrypt --mechanism "$mechanism" --id "$id" "${options[@]}" \
            --input-file secret.plain --output-file clear
        check "$name: every byte" cmp "$message" clear
        rm -f secret secret.plain clear
    }
    mode AES-ECB ecb blocks
    mode AES-CBC cbc blocks
    mode AES-CBC-PAD cbc blocks
    mode AES-CBC-PAD cbc odd
    mode AES-CBC-PAD cbc message
done

expect_fail "AES-CBC without padding refuses what isn't whole blocks" 'CKR_DATA_LEN_RANGE' \
    p11_user --encrypt --mechanism AES-CBC --id 26 --iv "$iv" --input-file odd --output-file secret
head -c 33 /dev/urandom >noise
expect_fail "and ciphertext that isn't" 'CKR_ENCRYPTED_DATA_LEN_RANGE' \
    p11_user --decrypt --mechanism AES-CBC --id 26 --iv "$iv" --input-file noise --output-file clear

finish
