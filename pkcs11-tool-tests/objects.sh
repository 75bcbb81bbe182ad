#!/usr/bin/env bash
# Objects of every class: write, list, read back, delete.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"

head -c 2000 /dev/urandom >note
head -c 32 /dev/urandom >secret
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3 -subj "/CN=Alice" 2>/dev/null
openssl pkey -in key.pem -outform DER -out key.der
openssl pkey -in key.pem -pubout -outform DER -out pub.der
openssl x509 -in cert.pem -outform DER -out cert.der

# same NAME FILE FILE: both hold the same bytes.
same() {
    check "$1" cmp "$2" "$3"
}

expect_without "a new token is empty" 'Object' p11_user --list-objects

# Data, public and private.
expect "a data object is written" 'Created Data Object' \
    p11_user --write-object note --type data --label note --application-label cloister-test --application-id 1.2.3.4
expect "everybody can list it" "label: +'note'" p11_public --list-objects --type data
expect "with its application" "application: +'cloister-test'" p11_public --list-objects --type data
expect "and its object identifier" 'app_id: +1\.2\.3\.4' p11_public --list-objects --type data
check "and read it" p11_public --read-object --type data --label note --output-file note.back
same "what is read back is what was written" note note.back
expect "a private data object is written" 'Created Data Object' \
    p11_user --write-object note --type data --label diary --private
expect_without "without a login a private object can't be seen" 'diary' p11_public --list-objects
expect "its owner sees it" 'diary' p11_user --list-objects
check "its owner reads it" p11_user --read-object --type data --label diary --output-file diary.back
same "and gets every byte" note diary.back
: >empty
expect "a data object may be empty" 'Created Data Object' p11_user --write-object empty --type data --label empty

# Certificate.
expect "a certificate is written" 'Created certificate' \
    p11_user --write-object cert.der --type cert --label alice --id a11ce0
expect "it is listed with its subject" 'subject: +DN: CN=Alice' p11_public --list-objects --type cert
expect "and its id" 'ID: +a11ce0' p11_public --list-objects --type cert
check "it is read by its id" p11_public --read-object --type cert --id a11ce0 --output-file cert.back
same "what is read back is what was written" cert.der cert.back

# Public key.
expect "a public key is written" 'Created public key' p11_user --write-object pub.der --type pubkey --label alice --id a11ce0
expect "it is listed as RSA with its length" 'RSA 2048 bits' p11_public --list-objects --type pubkey
check "it is read" p11_public --read-object --type pubkey --id a11ce0 --output-file pub.back
same "what is read back is what was written" pub.der pub.back

# Private key.
expect "a private key is written" 'Created private key' \
    p11_user --write-object key.der --type privkey --label alice --id a11ce0 --sensitive
expect_without "without a login it can't be seen" 'Private Key' p11_public --list-objects
expect "its owner sees it" 'Private Key Object; RSA' p11_user --list-objects --type privkey

# Secret key.
expect "a secret key is written" 'Created secret key' \
    p11_user --write-object secret --type secrkey --key-type AES:32 --label open --extractable
check "an extractable key that isn't sensitive is read" \
    p11_user --read-object --type secrkey --label open --output-file secret.back
same "what is read back is what was written" secret secret.back
expect "a sensitive secret key is written" 'Created secret key' \
    p11_user --write-object secret --type secrkey --key-type AES:32 --label sealed --sensitive
expect_fail "nobody reads it" 'CKR_ATTRIBUTE_SENSITIVE|CKA_VALUE' \
    p11_user --read-object --type secrkey --label sealed --output-file sealed.back

# Change.
check "an object's id is changed" p11_user --set-id 0b0b --type privkey --id a11ce0
expect "and listed under the new one" 'ID: +0b0b' p11_user --list-objects --type privkey

# Who may not write.
expect_fail "nobody writes without a login" 'CKR_' p11_public --session-rw --keygen --key-type AES:16 --private

# Delete.
for type in data:note data:diary data:empty cert:alice pubkey:alice privkey:alice secrkey:open secrkey:sealed; do
    check "${type%:*} '${type#*:}' is deleted" p11_user --delete-object --type "${type%:*}" --label "${type#*:}"
done
expect_without "the token is empty again" 'Object' p11_user --list-objects
expect_fail "what was deleted can't be deleted again" 'not found|CKR_' p11_user --delete-object --type data --label note

finish
