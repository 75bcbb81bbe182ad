#!/usr/bin/env bash
# The KMS front under Python's clients: the tests of one folder of tests/kms/python.
#
#   tests/kms/python.sh api|encryption_sdk|softhsm|cluster [PYTEST ARGUMENT]...
#
# CLOISTER_TARGET=debug takes the programs of target/debug.
export MODULE=${MODULE:-$(dirname "$0")/../../target/${CLOISTER_TARGET:-release}/libcloister.so}
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
. "$ROOT/tests/clients/pytest.sh"

part=$1
shift
SCRIPT=kms-$part
run_pytest -c "$ROOT/tests/kms/python/pytest.ini" "$ROOT/tests/kms/python/$part" "$@"

finish
