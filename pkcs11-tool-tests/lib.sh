# shellcheck shell=bash
# Shared by every script that drives the module from outside: a fresh HSM in a temporary folder, checks that print
# one line each (`ok`, `FAIL` or `skip`, which the runners count), and the two PINs.
#
# MODULE names another PKCS#11 module to drive, for comparison; then what only Cloister has is skipped.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MODULE=$(realpath "${MODULE:-$ROOT/target/release/libcloister.so}")
SCRIPT=$(basename "$0" .sh)

TOKEN=alpha
PIN=123456
SO_PIN=87654321

FAILED=0
FINISHED=
WORK=$(mktemp -d "${TMPDIR:-/tmp}/cloister-test.XXXXXX")
OUT=$WORK/out

# Ends the script: a script that stopped half way has failed, whatever it had shown until then.
cleanup() {
    local status=$?
    if [ -z "$FINISHED" ]; then
        echo "FAIL $SCRIPT: stopped with exit code $status"
        FAILED=$((FAILED + 1))
    fi
    local jobs
    jobs=$(jobs -p)
    # shellcheck disable=SC2086 # one process id per word
    [ -z "$jobs" ] || kill $jobs 2>/dev/null || true
    rm -rf "$WORK"
    [ "$FAILED" -eq 0 ] || exit 1
    exit 0
}
trap cleanup EXIT

# Says that the script came to its end.
finish() {
    FINISHED=yes
}

ok() {
    echo "ok   $SCRIPT: $1"
}

fail() {
    echo "FAIL $SCRIPT: $1"
    FAILED=$((FAILED + 1))
}

skip() {
    echo "skip $SCRIPT: $1"
}

# Shows what the last command printed, below a check that failed.
show_output() {
    sed 's/^/     | /' "$OUT"
}

# run COMMAND...: its output goes to $OUT, its exit code to $STATUS.
run() {
    STATUS=0
    "$@" >"$OUT" 2>&1 </dev/null || STATUS=$?
}

# expect NAME REGEX COMMAND...: exit code 0, and a line of the output matches.
expect() {
    local name=$1 regex=$2
    shift 2
    run "$@"
    if [ "$STATUS" -ne 0 ]; then
        fail "$name (exit code $STATUS from: $*)"
        show_output
    elif ! grep -aEq -- "$regex" "$OUT"; then
        fail "$name (no line matches '$regex' from: $*)"
        show_output
    else
        ok "$name"
    fi
}

# check NAME COMMAND...: exit code 0.
check() {
    local name=$1
    shift
    run "$@"
    if [ "$STATUS" -eq 0 ]; then
        ok "$name"
    else
        fail "$name (exit code $STATUS from: $*)"
        show_output
    fi
}

# expect_fail NAME REGEX COMMAND...: an orderly refusal (no signal), and a line of the output matches.
expect_fail() {
    local name=$1 regex=$2
    shift 2
    run "$@"
    if [ "$STATUS" -eq 0 ] || [ "$STATUS" -ge 126 ]; then
        fail "$name (exit code $STATUS, a refusal was due from: $*)"
        show_output
    elif ! grep -aEq -- "$regex" "$OUT"; then
        fail "$name (no line matches '$regex' from: $*)"
        show_output
    else
        ok "$name"
    fi
}

# expect_without NAME REGEX COMMAND...: exit code 0, and no line of the output matches.
expect_without() {
    local name=$1 regex=$2
    shift 2
    run "$@"
    if [ "$STATUS" -ne 0 ]; then
        fail "$name (exit code $STATUS from: $*)"
        show_output
    elif grep -aEq -- "$regex" "$OUT"; then
        fail "$name (a line matches '$regex' from: $*)"
        show_output
    else
        ok "$name"
    fi
}

# Whether the module is ours; if not, the check of that name is skipped.
only_cloister() {
    case $MODULE in
    *libcloister*) return 0 ;;
    esac
    skip "$1 (only Cloister)"
    return 1
}

# Points the module at an empty store in the temporary folder, with a PIN check that costs next to nothing; or, beside
# tests/cluster/with-nodes, at the slots that it has made on nodes.
fresh_hsm() {
    unset CLOISTER_LOG OPENSSL_CONF
    export CLOISTER_CONF=$WORK/cloister.toml SOFTHSM2_CONF=$WORK/softhsm2.conf
    mkdir -p "$WORK/data" "$WORK/softhsm"
    echo "directories.tokendir = $WORK/softhsm" >"$SOFTHSM2_CONF"
    if [ -n "${CLOISTER_TEST_SLOTS:-}" ]; then
        cp "$CLOISTER_TEST_SLOTS" "$CLOISTER_CONF"
        return
    fi
    cat >"$CLOISTER_CONF" <<TOML
data_dir = "$WORK/data"

[token]
argon2_memory_kib = 64
argon2_passes = 1
TOML
}

# pkcs11-tool on the module.
p11() {
    pkcs11-tool --module "$MODULE" "$@"
}

# pkcs11-tool on the token as nobody, as the default user, as the security officer.
p11_public() {
    p11 --token-label "$TOKEN" "$@"
}

p11_user() {
    p11 --token-label "$TOKEN" --login --pin "$PIN" "$@"
}

p11_so() {
    p11 --token-label "$TOKEN" --login --login-type so --so-pin "$SO_PIN" "$@"
}

# The index of the slot where a new token can be made.
free_slot() {
    p11 --list-slots | awk '/^Slot/ { slot = $2 } /uninitialized/ { print slot; exit }'
}

# Runs a command of the set-up, silent unless it fails; then the script ends.
quietly() {
    run "$@"
    [ "$STATUS" -eq 0 ] || show_output
    return "$STATUS"
}

# new_token LABEL: a token with both PINs set.
new_token() {
    quietly p11 --slot-index "$(free_slot)" --init-token --label "$1" --so-pin "$SO_PIN"
    quietly p11 --token-label "$1" --login --login-type so --so-pin "$SO_PIN" --init-pin --pin "$PIN"
}

# A fresh HSM with one token, ready for the user.
fresh_token() {
    fresh_hsm
    new_token "$TOKEN"
}

# Whether X25519 can be tested: pkcs11-tool 0.23 writes the curve's name with a wrong length, so that a module needn't
# understand it.
knows_x25519() {
    if p11_user --keypairgen --key-type EC:curve25519 --label probe >"$OUT" 2>&1; then
        p11_user --delete-object --type privkey --label probe >/dev/null
        p11_user --delete-object --type pubkey --label probe >/dev/null
        return 0
    fi
    skip "X25519 (this pkcs11-tool misspells the curve)"
    return 1
}

# Hexadecimal digits to bytes and back.
unhex() {
    perl -ne 'chomp; print pack "H*", $_'
}

hex() {
    od -An -v -tx1 "$@" | tr -d ' \n'
}

# der TAG HEX: the DER encoding of that value, in hexadecimal digits.
der() {
    local length=$((${#2} / 2))
    if [ $length -lt 128 ]; then
        printf '%s%02x%s' "$1" $length "$2"
    elif [ $length -lt 256 ]; then
        printf '%s81%02x%s' "$1" $length "$2"
    else
        printf '%s82%04x%s' "$1" $length "$2"
    fi
}

# describe TYPE LABEL: what the listing says of the objects with that label (pkcs11-tool always lists all of a type).
describe() {
    p11_user --list-objects --type "$1" 2>/dev/null | awk -v label="$2" '
        function flush() { if (wanted) printf "%s", block; block = ""; wanted = 0 }
        /^[A-Z].*Object/ { flush() }
        { block = block $0 "\n" }
        $1 == "label:" && $2 == label { wanted = 1 }
        END { flush() }'
}

# attribute LABEL NAME: what the listing of a public key says of EC_POINT or EC_PARAMS.
attribute() {
    describe pubkey "$1" | awk -v name="$2:" '$1 == name { print $2 }'
}

# point LABEL: the EC point of a public key in hexadecimal digits, without the OCTET STRING around it.
point() {
    attribute "$1" EC_POINT | sed -E 's/^04(81..|82....|..)//'
}

# public_key LABEL FILE: the token's public key as PEM, for plain openssl. This pkcs11-tool reads only RSA keys and some
# EC keys in that form, so those of curves are put together from point and parameters (RFC 5480, RFC 8410).
public_key() {
    local algorithm
    case $(describe pubkey "$1") in
    *EC_EDWARDS*) algorithm=$(der 30 06032b6570) ;;
    *EC_MONTGOMERY*) algorithm=$(der 30 06032b656e) ;;
    *'; EC '*) algorithm=$(der 30 "06072a8648ce3d0201$(attribute "$1" EC_PARAMS)") ;;
    *)
        p11_public --read-object --type pubkey --label "$1" --output-file "$2.der" >/dev/null 2>&1
        openssl pkey -pubin -inform DER -in "$2.der" -out "$2"
        return
        ;;
    esac
    der 30 "$algorithm$(der 03 "00$(point "$1")")" | unhex | openssl pkey -pubin -inform DER -out "$2"
}
