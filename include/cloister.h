/*
 * cloister.h: what Cloister understands beyond PKCS#11 3.2.
 *
 * Written by `cloister header cloister`.
 */
#ifndef CLOISTER_H
#define CLOISTER_H 1

#include "pkcs11.h"

/* Mechanisms of AWS CloudHSM. */
#define CKM_CLOUDHSM_SP800_108_COUNTER_KDF 0x80000001UL
#define CKM_CLOUDHSM_AES_GCM 0x80001087UL
#define CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD 0x80002109UL
#define CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD 0x8000210aUL
#define CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD 0x8000216fUL

/* Parts and length methods of its key derivation by SP 800-108. */
#define SP800_108_COUNTER_FORMAT 0x00000004UL
#define SP800_108_PRF_LABEL 0x00000005UL
#define SP800_108_PRF_CONTEXT 0x00000006UL
#define SP800_108_DKM_FORMAT 0x00000007UL
#define SP800_108_BYTE_ARRAY 0x00000008UL
#define SP800_108_DKM_LENGTH_SUM_OF_KEYS 0x00000001UL
#define SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS 0x00000002UL

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
