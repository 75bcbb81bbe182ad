#!/usr/bin/env bash
# Several tokens in several slots: each its own, and a slot's number stays what it was.
. "$(dirname "$0")/lib.sh"
fresh_hsm
cd "$WORK"

# slot_of LABEL: the id of the slot with that token.
slot_of() {
    p11 --list-slots | awk -v label="$1" '/^Slot/ { id = $3; gsub(/[^0-9a-fx]/, "", id) }
        $1 == "token" && $2 == "label" && $4 == label { print id }'
}

new_token alpha
alpha=$(slot_of alpha)
check "after the first token there is a free slot again" test -n "$(free_slot)"
new_token beta
beta=$(slot_of beta)
new_token gamma
check "three tokens, three slots" test "$(printf '%s\n' "$alpha" "$beta" "$(slot_of gamma)" | sort -u | wc -l)" -eq 3
check "the first token's slot has the number it had" test "$(slot_of alpha)" = "$alpha"
check "the second's too" test "$(slot_of beta)" = "$beta"
expect "each has its own serial number" '^3$' \
    bash -c "pkcs11-tool --module '$MODULE' --list-token-slots | grep 'serial num' | sort -u | wc -l"

for token in alpha beta gamma; do
    TOKEN=$token p11_user --keypairgen --key-type EC:prime256v1 --label "key-of-$token" --id 01 >/dev/null
done
for token in alpha beta gamma; do
    TOKEN=$token
    expect "$token has its key" "key-of-$token" p11_user --list-objects --type privkey
    check "and only that" test "$(p11_user --list-objects --type privkey | grep -c 'label:')" -eq 1
done
expect "a token is found by its slot's id" 'key-of-alpha' p11 --slot "$alpha" --login --pin "$PIN" --list-objects
expect_fail "a slot that doesn't exist is refused" 'CKR_SLOT_ID_INVALID|not found|No slot' \
    p11 --slot 999999 --login --pin "$PIN" --list-objects

TOKEN=beta
check "a PIN is one token's" p11_user --change-pin --new-pin 654321
check "and not the others'" env true
TOKEN=alpha
check "alpha's is as it was" p11_user --list-objects

if only_cloister "a slot keeps its number when its token is made anew"; then
    TOKEN=alpha
    check "alpha is made anew under another name" p11 --slot "$alpha" --init-token --label delta --so-pin "$SO_PIN"
    check "its slot has the same number" test "$(slot_of delta)" = "$alpha"
    check "beta's slot too" test "$(slot_of beta)" = "$beta"

    # Slots with numbers of their own, from the configuration.
    cat >"$CLOISTER_CONF" <<TOML
[token]
argon2_memory_kib = 64
argon2_passes = 1

[[slot]]
id = 7
path = "$WORK/seven"
description = "The seventh"

[[slot]]
id = 4242
path = "$WORK/other"
TOML
    expect "a configured slot has the number it was given" '\(0x7\): The seventh' p11 --list-slots
    expect "however large" '\(0x1092\)' p11 --list-slots
    expect "a token is made in it" 'successfully initialized' \
        p11 --slot 7 --init-token --label seven --so-pin "$SO_PIN"
    check "and keeps its number" test "$(slot_of seven)" = 0x7
    check "its files are where the configuration says" test -n "$(ls -A "$WORK/seven")"

    echo 'data_dri = "typo"' >"$CLOISTER_CONF"
    expect_fail "a configuration with an unknown word is refused" 'data_dri' p11 --list-slots
fi

finish
