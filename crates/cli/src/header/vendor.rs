//! What `cloister.h` adds to the standard: names of AWS CloudHSM's library, so that programs written for it need no other header.

use super::constant::{Constant, Form, Group};

/// The vendor's mechanisms, and parts of the older key derivation structure.
static GROUPS: &[Group] = &[
    Group {
        title: "Mechanisms of AWS CloudHSM",
        form: Form::Hex,
        constants: &[
            constant("CKM_CLOUDHSM_SP800_108_COUNTER_KDF", 0x8000_0001),
            constant("CKM_CLOUDHSM_AES_GCM", 0x8000_1087),
            constant("CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD", 0x8000_2109),
            constant("CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD", 0x8000_210a),
            constant("CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD", 0x8000_216f),
        ],
    },
    Group {
        title: "Parts and length methods of its key derivation by SP 800-108",
        form: Form::Hex,
        constants: &[
            constant("SP800_108_COUNTER_FORMAT", 4),
            constant("SP800_108_PRF_LABEL", 5),
            constant("SP800_108_PRF_CONTEXT", 6),
            constant("SP800_108_DKM_FORMAT", 7),
            constant("SP800_108_BYTE_ARRAY", 8),
            constant("SP800_108_DKM_LENGTH_SUM_OF_KEYS", 1),
            constant("SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS", 2),
        ],
    },
];

const fn constant(name: &'static str, value: u64) -> Constant {
    Constant { name, value }
}

const BEGINNING: &str = "\
/*
 * cloister.h: what Cloister understands beyond PKCS#11 3.2.
 *
 * Written by `cloister header cloister`.
 */
#ifndef CLOISTER_H
#define CLOISTER_H 1

#include \"pkcs11.h\"
";

const END: &str = "
/*
 * The parameter of CKM_CLOUDHSM_SP800_108_COUNTER_KDF: without the additional keys of the standard's CK_SP800_108_KDF_PARAMS.
 * That of CKM_CLOUDHSM_AES_GCM is CK_GCM_PARAMS with a NULL pIv: the nonce stands before the data. The key wraps have none.
 */
typedef struct CK_CLOUDHSM_SP800_108_KDF_PARAMS {
    CK_SP800_108_PRF_TYPE prfType;
    CK_ULONG ulNumberOfDataParams;
    CK_PRF_DATA_PARAM *pDataParams;
} CK_CLOUDHSM_SP800_108_KDF_PARAMS;

#endif
";

/// The text of `cloister.h`.
pub fn cloister_h() -> String {
    let mut header = String::from(BEGINNING);
    GROUPS.iter().for_each(|group| group.write(&mut header));
    header.push_str(END);
    header
}
