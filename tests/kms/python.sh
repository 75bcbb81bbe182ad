#!/usr/bin/env bash
# The KMS front under Python's clients: the tests of one folder of tests/kms/python.
#
#   tests/kms/python.sh api|encryption_sdk|softhsm|cluster [PYTEST ARGUMENT]...
#
# CLOISTER_TARGET=debug takes the programs of target/debug.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/clients/pytest.sh"

part=$1
shift
SCRIPT=kms-$part
run_pytest -c "$ROOT/tests/kms/python/pytest.ini" "$ROOT/tests/kms/python/$part" "$@"

finish
