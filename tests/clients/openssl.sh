#!/usr/bin/env bash
# OpenSSL 3.0 on the module, through the engine of libp11: certificates, CMS, and TLS with keys in the token.
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
fresh_token
cd "$WORK"
echo "What is signed here." >message

quietly p11_user --keypairgen --key-type RSA:2048 --label rsa --id 01
quietly p11_user --keypairgen --key-type EC:prime256v1 --label ec --id 02

# The module by its path in the environment; the PIN in the key's URI.
plain() {
    PKCS11_MODULE_PATH=$MODULE openssl "$@"
}

# The module in openssl.cnf, loaded by every openssl process that starts: with `init`, and with the PIN there too.
cat >loads-us.cnf <<CNF
openssl_conf = openssl_init

[openssl_init]
engines = engines

[engines]
pkcs11 = pkcs11

[pkcs11]
engine_id = pkcs11
MODULE_PATH = $MODULE
init = 1

[req]
distinguished_name = req_dn

[req_dn]
CNF
sed "s/^init = 1/PIN = $PIN\ninit = 1/" loads-us.cnf >loads-us-with-pin.cnf

configured() {
    OPENSSL_CONF=$WORK/loads-us.cnf openssl "$@"
}

configured_with_pin() {
    OPENSSL_CONF=$WORK/loads-us-with-pin.cnf openssl "$@"
}

# key NAME HOW: the URI of a key; with the PIN, unless openssl.cnf has it.
key() {
    local uri="pkcs11:token=$TOKEN;object=$1;type=private"
    [ "$2" = configured_with_pin ] || uri="$uri;pin-value=$PIN"
    echo "$uri"
}

# Starts `openssl s_server` for one connection on a free port, and waits until it says which: $SERVER, $PORT.
start_server() {
    local how=$1 tries
    shift
    : >server.log
    "$how" s_server -www -accept 127.0.0.1:0 -naccept 1 "$@" >server.log 2>&1 </dev/null &
    SERVER=$!
    for tries in $(seq 500); do
        PORT=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.log)
        [ -z "$PORT" ] || return 0
        kill -0 "$SERVER" 2>/dev/null || break
        sleep 0.02
    done
    cp server.log "$OUT"
    fail "$how: the server doesn't start (tried $tries times)"
    show_output
    return 1
}

# The exit code of the server; one that nobody could talk to is ended first.
server_status() {
    [ "$STATUS" -eq 0 ] || kill "$SERVER" 2>/dev/null || true
    SERVER_STATUS=0
    wait "$SERVER" || SERVER_STATUS=$?
}

# A TLS client asks for the server's page of its state.
client() {
    printf 'GET / HTTP/1.0\r\n\r\n' | "$@" -ign_eof | tee client.log
}

# handshake NAME VERSION HOW KEY: the key in the token serves TLS, a plain client checks its certificate.
handshake() {
    local name=$1 version=$2 how=$3 key=$4
    start_server "$how" "-$version" -cert "$key.pem" -engine pkcs11 -keyform engine -key "$(key "$key" "$how")" || return 0
    expect "$name: handshake, and the certificate is right" 'Verify return code: 0' client openssl s_client \
        -connect "127.0.0.1:$PORT" "-$version" -CAfile "$key.pem" -verify_return_error
    check "$name: over that version" grep -q "^New, ${version/tls1_/TLSv1.}, Cipher is" client.log
    server_status
    check "$name: the server ends with exit code 0" test $SERVER_STATUS -eq 0
}

for how in plain configured configured_with_pin; do
    check "$how: the engine loads the module and is ready" "$how" engine -t pkcs11
    check "$how: a process that doesn't use it ends well" "$how" rand -hex 8
    check "$how: so does one that hashes" "$how" dgst -sha256 message
    for key in rsa ec; do
        uri=$(key $key $how)
        name="$how, $key"
        check "$name: self-signed certificate" "$how" req -new -x509 -days 30 -subj "/CN=localhost-$key" -engine pkcs11 \
            -keyform engine -key "$uri" -out "$key.pem"
        expect "$name: its signature is right" ': OK' openssl verify -CAfile "$key.pem" "$key.pem"
        check "$name: certificate request" "$how" req -new -subj "/CN=request-$key" -engine pkcs11 -keyform engine \
            -key "$uri" -out "$key.csr"
        expect "$name: its signature is right" 'verify OK' openssl req -in "$key.csr" -verify -noout
        check "$name: file signed" "$how" dgst -sha256 -engine pkcs11 -keyform engine -sign "$uri" -out signature message
        openssl x509 -in "$key.pem" -noout -pubkey -out "$key.pub"
        expect "$name: signature is right" 'Verified OK' openssl dgst -sha256 -verify "$key.pub" -signature signature message
        check "$name: CMS signed" "$how" cms -sign -in message -signer "$key.pem" -engine pkcs11 -keyform engine \
            -inkey "$uri" -nodetach -outform PEM -out "$key.cms"
        expect "$name: CMS verified" 'successful' openssl cms -verify -in "$key.cms" -inform PEM -CAfile "$key.pem"
        for version in tls1_2 tls1_3; do
            handshake "$name: $version" $version $how $key
        done
    done
done

# RSA also decrypts and signs PSS.
openssl cms -encrypt -aes256 -in message -outform PEM -out encrypted.cms rsa.pem
check "CMS decrypted by the RSA key" plain cms -decrypt -in encrypted.cms -inform PEM -recip rsa.pem -engine pkcs11 \
    -keyform engine -inkey "$(key rsa plain)" -out clear
check "to what was encrypted" cmp <(sed 's/\r$//' clear) message
check "RSA-PSS signed" plain dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 -engine pkcs11 \
    -keyform engine -sign "$(key rsa plain)" -out signature message
expect "RSA-PSS signature is right" 'Verified OK' openssl dgst -sha256 -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:-1 -verify rsa.pub -signature signature message
openssl pkeyutl -encrypt -pubin -inkey rsa.pub -pkeyopt rsa_padding_mode:oaep -in message -out secret
check "RSA-OAEP decrypted" plain pkeyutl -decrypt -engine pkcs11 -keyform engine -inkey "$(key rsa plain)" \
    -pkeyopt rsa_padding_mode:oaep -in secret -out clear
check "to what was encrypted" cmp clear message

# A client whose key is in the token.
openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -days 2 -subj "/CN=server" 2>/dev/null
cat rsa.pem ec.pem >clients.pem
for key in rsa ec; do
    start_server openssl -cert server.pem -key server.key -Verify 1 -CAfile clients.pem -verify_return_error || continue
    expect "TLS client with the $key key" 'Verify return code: 0' client plain s_client -connect "127.0.0.1:$PORT" \
        -CAfile server.pem -cert "$key.pem" -engine pkcs11 -keyform engine -key "$(key $key plain)"
    server_status
    check "the server accepted the $key client" grep -q "Subject: CN *= *localhost-$key" client.log
done

expect_fail "a wrong PIN is an orderly error" 'PIN|pin|CKR|login' plain dgst -sha256 -engine pkcs11 -keyform engine \
    -sign "pkcs11:token=$TOKEN;object=rsa;type=private;pin-value=000000" -out signature message
expect_fail "so is a key that doesn't exist" 'not found|unable to load|Could not' plain dgst -sha256 -engine pkcs11 \
    -keyform engine -sign "pkcs11:token=$TOKEN;object=nobody;type=private;pin-value=$PIN" -out signature message

finish
