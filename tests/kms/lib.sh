# shellcheck shell=bash
# For scripts that drive a KMS front: the programs of target/release, or of target/$CLOISTER_TARGET, a token, and a front on it.

KMS_TARGET=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/${CLOISTER_TARGET:-release}
export MODULE=${MODULE:-$KMS_TARGET/libcloister.so}
# shellcheck source=../../pkcs11-tool-tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../pkcs11-tool-tests/lib.sh"

# fresh_front [LINE]...: a front in the open on a fresh token, with these lines in its settings; $ENDPOINT is where it listens.
fresh_front() {
    fresh_hsm
    CLOISTER_SO_PIN=$SO_PIN CLOISTER_PIN=$PIN quietly "$KMS_TARGET/cloister" token init kms --with-user
    (umask 077 && echo "$PIN" >"$WORK/pin")
    {
        printf 'listen = "127.0.0.1:0"\nmodule = "%s"\ntoken = "kms"\npin-file = "%s"\n' "$MODULE" "$WORK/pin"
        printf 'regions = ["us-east-1", "eu-west-1"]\naccount = "111122223333"\naccess = "open"\n'
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$WORK/kms.toml"
    mkfifo "$WORK/said"
    "$KMS_TARGET/cloister" kms --config "$WORK/kms.toml" >"$WORK/said" 2>"$WORK/front.log" </dev/null &
    # It says where it listens when it does.
    local said
    if ! read -r said <"$WORK/said"; then
        cat "$WORK/front.log"
        return 1
    fi
    ENDPOINT=${said##* }
    export AWS_ENDPOINT_URL_KMS=$ENDPOINT AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=only-for-tests
    export AWS_CONFIG_FILE=$WORK/aws AWS_SHARED_CREDENTIALS_FILE=$WORK/aws AWS_EC2_METADATA_DISABLED=true
}
