#!/usr/bin/env bash
# Java's SunPKCS11 on the module: keytool, jarsigner, and a program that uses keys in the token.
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
fresh_token

SOURCES=$ROOT/tests/clients/java
cd "$WORK"
slot=$(p11 --list-token-slots | sed -n 's/^Slot [0-9]* (\(0x[0-9a-f]*\)).*/\1/p' | head -n 1)
cat >pkcs11.cfg <<CFG
name = Cloister
library = $MODULE
slot = $((slot))
CFG

store=(-keystore NONE -storetype PKCS11 -storepass "$PIN" -addprovider SunPKCS11 -providerArg pkcs11.cfg)

# keytool and jarsigner
expect_without "keytool lists an empty token" 'rror|PrivateKeyEntry' keytool -list "${store[@]}"
for algorithm in RSA EC; do
    case $algorithm in
    RSA) size=(-keysize 2048) signature=SHA256withRSA ;;
    EC) size=(-groupname secp256r1) signature=SHA256withECDSA ;;
    esac
    alias=key-$algorithm
    check "keytool -genkeypair makes an $algorithm key" keytool -genkeypair "${store[@]}" -alias "$alias" \
        -keyalg $algorithm "${size[@]}" -sigalg "$signature" -dname "CN=$alias" -validity 30
    expect "keytool -list shows it" "$alias, .*PrivateKeyEntry" keytool -list "${store[@]}"
    check "keytool -certreq asks for a certificate" \
        keytool -certreq "${store[@]}" -alias "$alias" -sigalg "$signature" -file "$alias.csr"
    expect "openssl accepts the request" 'verify OK|self-signature' openssl req -in "$alias.csr" -verify -noout
    check "keytool -exportcert" keytool -exportcert "${store[@]}" -alias "$alias" -rfc -file "$alias.pem"
    expect "openssl accepts the certificate's own signature" ': OK' openssl verify -CAfile "$alias.pem" "$alias.pem"

    mkdir -p content
    echo "Contents of the archive" >content/file
    jar --create --file "$alias.jar" -C content .
    expect "jarsigner signs with it" 'jar signed' jarsigner "${store[@]}" -sigalg "$signature" "$alias.jar" "$alias"
    expect "jarsigner verifies, without the token" 'jar verified' jarsigner -verify "$alias.jar"
done

# A certificate from an authority comes back into the token.
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/CN=Authority" 2>/dev/null
openssl x509 -req -in key-RSA.csr -CA ca.pem -CAkey ca.key -days 30 -set_serial 77 -out reply.pem 2>/dev/null
cat reply.pem ca.pem >chain.pem
expect "keytool imports the certificate chain" 'installed' \
    keytool -importcert "${store[@]}" -alias key-RSA -file chain.pem -noprompt -trustcacerts
expect "and shows it with its issuer" 'Certificate chain length: 2' keytool -list -v "${store[@]}" -alias key-RSA
check "keytool -delete" keytool -delete "${store[@]}" -alias key-EC
expect_without "which is gone then" 'key-EC' keytool -list "${store[@]}"

# The program prints its own lines.
mkdir classes
check "the program compiles" javac -Xlint:all -Werror -d classes "$SOURCES"/*.java
if [ "$STATUS" -eq 0 ]; then
    java -cp classes Keys pkcs11.cfg "$PIN" "$WORK" | tee lines || {
        grep -q '^FAIL' lines || fail "the program stopped half way"
    }
    FAILED=$((FAILED + $(grep -c '^FAIL' lines || true)))
fi

finish
