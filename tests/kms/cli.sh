#!/usr/bin/env bash
# The AWS CLI against a KMS front: the ways that people go (K97).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
SCRIPT=kms-cli
fresh_front 'test-clock = true'

# kms COMMAND...: one word of `aws kms`. It ends with 255 where it is refused, which elsewhere stands for a crash.
kms() {
    "$ROOT/.venv/bin/python" -m awscli kms --output text --cli-connect-timeout 20 "$@" || return 1
}

# value QUERY COMMAND...: one value of the answer.
value() {
    local query=$1
    shift
    kms "$@" --query "$query"
}

# blob QUERY FILE COMMAND...: one member of the answer as bytes.
blob() {
    local query=$1 file=$2
    shift 2
    value "$query" "$@" | base64 --decode >"$file"
}

cd "$WORK"
echo "what the CLI encrypts" >plain

key=$(value KeyMetadata.KeyId create-key --description "made by the CLI" --tags TagKey=colour,TagValue=red)
expect "a key is made and described" 'made by the CLI' kms describe-key --key-id "$key"
expect "it is listed" "$key" kms list-keys
expect "its tags are listed" 'colour' kms list-resource-tags --key-id "$key"

check "an alias is made" kms create-alias --alias-name alias/cli --target-key-id "$key"
expect "and listed" 'alias/cli' kms list-aliases --key-id "$key"

encrypt_and_decrypt() {
    blob CiphertextBlob sealed encrypt --key-id alias/cli --plaintext fileb://plain --encryption-context purpose=test &&
        blob Plaintext opened decrypt --ciphertext-blob fileb://sealed --encryption-context purpose=test &&
        cmp plain opened
}
check "a file is encrypted by an alias and decrypted" encrypt_and_decrypt
expect_fail "not with another context" InvalidCiphertextException \
    kms decrypt --ciphertext-blob fileb://sealed --encryption-context purpose=another

data_key() {
    kms generate-data-key --key-id alias/cli --key-spec AES_256 --query '[Plaintext,CiphertextBlob]' >both &&
        cut -f 1 both | base64 --decode >data.plain && cut -f 2 both | base64 --decode >data.sealed &&
        blob Plaintext data.opened decrypt --ciphertext-blob fileb://data.sealed && cmp data.plain data.opened
}
check "a data key comes plain and sealed" data_key

rotate_and_decrypt() {
    kms rotate-key-on-demand --key-id "$key" &&
        blob Plaintext opened decrypt --ciphertext-blob fileb://sealed --encryption-context purpose=test && cmp plain opened
}
check "what was encrypted before a rotation decrypts after it" rotate_and_decrypt
expect "the rotation is listed" ON_DEMAND kms list-key-rotations --key-id "$key"
check "automatic rotation is switched on" kms enable-key-rotation --key-id "$key" --rotation-period-in-days 90
expect "and told" '90' kms get-key-rotation-status --key-id "$key"

re_encrypt() {
    local other
    other=$(value KeyMetadata.KeyId create-key) &&
        blob CiphertextBlob moved re-encrypt --ciphertext-blob fileb://sealed --source-encryption-context purpose=test \
            --destination-key-id "$other" && blob Plaintext opened decrypt --ciphertext-blob fileb://moved --key-id "$other" && cmp plain opened
}
check "re-encryption under another key" re_encrypt

signing=$(value KeyMetadata.KeyId create-key --key-spec RSA_2048 --key-usage SIGN_VERIFY)
sign_and_verify() {
    blob Signature signature sign --key-id "$signing" --message fileb://plain --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256 &&
        blob PublicKey public.der get-public-key --key-id "$signing" &&
        openssl dgst -sha256 -keyform DER -verify public.der -signature signature plain &&
        kms verify --key-id "$signing" --message fileb://plain --signature fileb://signature --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256
}
check "a signature that plain openssl and the front accept" sign_and_verify
echo another >another
expect_fail "of this message only" KMSInvalidSignatureException kms verify --key-id "$signing" --message fileb://another \
    --signature fileb://signature --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256

decrypting=$(value KeyMetadata.KeyId create-key --key-spec RSA_2048 --key-usage ENCRYPT_DECRYPT)
from_openssl() {
    blob PublicKey public.der get-public-key --key-id "$decrypting" &&
        openssl pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in plain -out outside -pkeyopt rsa_padding_mode:oaep \
            -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 &&
        blob Plaintext opened decrypt --key-id "$decrypting" --encryption-algorithm RSAES_OAEP_SHA_256 --ciphertext-blob fileb://outside &&
        cmp plain opened
}
check "what plain openssl encrypts decrypts" from_openssl

authenticating=$(value KeyMetadata.KeyId create-key --key-spec HMAC_256 --key-usage GENERATE_VERIFY_MAC)
mac() {
    blob Mac mac generate-mac --key-id "$authenticating" --message fileb://plain --mac-algorithm HMAC_SHA_256 &&
        kms verify-mac --key-id "$authenticating" --message fileb://plain --mac-algorithm HMAC_SHA_256 --mac fileb://mac
}
check "a MAC" mac

import_material() {
    local own
    own=$(value KeyMetadata.KeyId create-key --origin EXTERNAL) &&
        kms get-parameters-for-import --key-id "$own" --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_2048 \
            --query '[PublicKey,ImportToken]' >both &&
        cut -f 1 both | base64 --decode >wrapping.der && cut -f 2 both | base64 --decode >token && openssl rand -out material 32 &&
        openssl pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -in material -out wrapped -pkeyopt rsa_padding_mode:oaep \
            -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 &&
        kms import-key-material --key-id "$own" --import-token fileb://token --encrypted-key-material fileb://wrapped \
            --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE &&
        blob CiphertextBlob sealed encrypt --key-id "$own" --plaintext fileb://plain
}
check "key material is wrapped by plain openssl and imported" import_material

grant=$(value GrantId create-grant --key-id "$key" --grantee-principal arn:aws:iam::111122223333:user/ann --operations Encrypt Decrypt)
expect "a grant is listed" "$grant" kms list-grants --key-id "$key"
check "and revoked" kms revoke-grant --key-id "$key" --grant-id "$grant"

policy() {
    value Policy get-key-policy --key-id "$key" --policy-name default >policy.json &&
        kms put-key-policy --key-id "$key" --policy-name default --policy file://policy.json
}
check "a policy is read and put" policy

replicate() {
    local several
    several=$(value KeyMetadata.KeyId create-key --multi-region) && kms replicate-key --key-id "$several" --replica-region eu-west-1 &&
        kms --region eu-west-1 describe-key --key-id "$several"
}
expect "a key in two Regions" eu-west-1 replicate

check "a key is disabled" kms disable-key --key-id "$key"
expect_fail "and not used" DisabledException kms encrypt --key-id "$key" --plaintext fileb://plain
expect "its deletion is scheduled" PendingDeletion kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7
expect_fail "and it is not enabled" KMSInvalidStateException kms enable-key --key-id "$key"
check "the front's clock is moved by eight days" curl --fail --silent --data '{"advance-days": 8}' "$ENDPOINT/_cloister/clock"
expect_fail "then it is gone" NotFoundException kms describe-key --key-id "$key"
expect_fail "a key that never was is not found" NotFoundException kms describe-key --key-id alias/nobody

finish
