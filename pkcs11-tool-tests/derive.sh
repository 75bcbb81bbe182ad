#!/usr/bin/env bash
# ECDH: the secret that the token agrees on with a stranger is the one that the stranger's openssl gets.
. "$(dirname "$0")/lib.sh"
fresh_token
cd "$WORK"

# agrees NAME ID PEER-ALGORITHM... : the peer's key is made by openssl.
agrees() {
    local name=$1 id=$2
    shift 2
    openssl genpkey "$@" -out peer.pem 2>/dev/null
    openssl pkey -in peer.pem -pubout -outform DER -out peer.der
    public_key "$name" token.pem
    openssl pkeyutl -derive -inkey peer.pem -peerkey token.pem -out shared.openssl
    check "$name: the token derives" p11_user --derive --mechanism ECDH1-DERIVE --id "$id" --input-file peer.der \
        --label "shared-$name" --output-file shared.token
    check "$name: both have the same secret" cmp shared.openssl shared.token
}

number=10
for curve in prime256v1 secp384r1 secp521r1 secp256k1; do
    number=$((number + 1))
    quietly p11_user --keypairgen --key-type "EC:$curve" --label "$curve" --id "$number" --usage-derive
    agrees "$curve" "$number" -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -pkeyopt ec_param_enc:named_curve
done

# A point that isn't on the curve, and a key that may not derive (the last peer is on secp256k1).
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve -out wrong.pem 2>/dev/null
openssl pkey -in wrong.pem -pubout -outform DER -out wrong.der
expect_fail "a point of another curve is refused" 'CKR_' \
    p11_user --derive --mechanism ECDH1-DERIVE --id 11 --input-file wrong.der --output-file shared.token
if [ -n "${CLOISTER_TEST_SLOTS:-}" ]; then
    skip "the stricter default of usage (nodes have it in their own settings)"
elif only_cloister "with the stricter default of usage, a key that wasn't made for it doesn't derive"; then
    echo 'usage_default = false' >>"$CLOISTER_CONF"
    quietly p11_user --keypairgen --key-type EC:secp256k1 --label signs --id 20 --usage-sign
    expect_fail "with the stricter default of usage, a key that wasn't made for it doesn't derive" \
        'CKR_KEY_FUNCTION_NOT_PERMITTED' \
        p11_user --derive --mechanism ECDH1-DERIVE --id 20 --input-file peer.der --output-file shared.token
fi

finish
