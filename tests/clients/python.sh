#!/usr/bin/env bash
# python-pkcs11 and PyKCS11 on the module, as their own users write.
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
. "$(dirname "$0")/pytest.sh"
fresh_token

export MODULE TOKEN PIN

# One process for each binding: each initialises the module for itself.
for file in "$ROOT"/tests/clients/python/test_*.py; do
    run_pytest "$file"
done

finish
