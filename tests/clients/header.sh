#!/usr/bin/env bash
# Our own C headers: programs in C and C++ compile with them without a warning, and talk to the module.
. "$(dirname "$0")/../../pkcs11-tool-tests/lib.sh"
fresh_token
cd "$ROOT/tests/clients/header"
strict=(-Wall -Wextra -pedantic -Werror "-I$ROOT/include")

for standard in c99 c11 c17; do
    check "C: compiles as $standard" cc "-std=$standard" "${strict[@]}" -o "$WORK/messages-$standard" messages.c -ldl
    expect "C: seals and opens messages ($standard)" 'a third was refused' "$WORK/messages-$standard" "$MODULE" "$TOKEN" "$PIN"
done
for standard in c++11 c++17 c++20; do
    check "C++: compiles as $standard" c++ "-std=$standard" "${strict[@]}" -o "$WORK/linked-$standard" linked.cpp "$MODULE"
    expect "C++: linked with the module ($standard)" '^ba7816bf$' "$WORK/linked-$standard" "$TOKEN"
done
check "C: compiles for CloudHSM" cc -std=c99 "${strict[@]}" -o "$WORK/cloudhsm" cloudhsm.c -ldl
expect "C: a program for CloudHSM runs with another path" "own mechanisms work" "$WORK/cloudhsm" "$MODULE" "user:$PIN"
for header in pkcs11.h cloister.h; do
    echo "#include <$header>" >"$WORK/alone.c"
    check "$header stands alone in C" cc -std=c99 "${strict[@]}" -fsyntax-only "$WORK/alone.c"
    check "$header stands alone in C++" c++ -std=c++11 "${strict[@]}" -fsyntax-only -x c++ "$WORK/alone.c"
done

finish
