#!/usr/bin/env bash
# A certificate authority with plain openssl commands: the authority's key is made in the token and never leaves it.
#
#   examples/openssl.sh /path/to/libcloister.so <token label> <PIN>       (needs opensc and libengine-pkcs11-openssl)
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 MODULE TOKEN PIN" >&2
    exit 2
fi
token=$2 pin=$3
export PKCS11_MODULE_PATH=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Through the engine, a URI (RFC 7512) stands where a key's file would.
key="pkcs11:token=$token;object=authority;type=private;pin-value=$pin"
engine=(-engine pkcs11 -keyform engine)

pkcs11-tool --module "$PKCS11_MODULE_PATH" --token-label "$token" --login --pin "$pin" \
    --keypairgen --key-type EC:prime256v1 --label authority --id a0 >/dev/null
openssl req -new -x509 "${engine[@]}" -key "$key" -subj "/CN=Example authority" -days 365 -out authority.pem

# A server asks for a certificate; its own key is an ordinary file.
openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj "/CN=server.example" -out server.csr 2>/dev/null
openssl x509 -req -in server.csr -CA authority.pem -CAkeyform engine -engine pkcs11 -CAkey "$key" -set_serial 1 \
    -days 30 -out server.pem
openssl verify -CAfile authority.pem server.pem
