//! Every type of PKCS#11 3.2 but the lists of functions, which are written from the table of functions.
//!
//! The compiler compares each field here with the structure that the module itself reads.

use super::structure::{Field, Structure};
use cryptoki_sys as ck;
use cryptoki_sys::*;
use std::ffi::c_void;

/// Types that are another's name: both in C.
pub static ALIASES: &[(&str, &str)] = &[
    ("CK_ATTRIBUTE_TYPE", "CK_ULONG"),
    ("CK_CERTIFICATE_CATEGORY", "CK_ULONG"),
    ("CK_CERTIFICATE_TYPE", "CK_ULONG"),
    ("CK_EC_KDF_TYPE", "CK_ULONG"),
    ("CK_EXTRACT_PARAMS", "CK_ULONG"),
    ("CK_FLAGS", "CK_ULONG"),
    ("CK_GENERATOR_FUNCTION", "CK_ULONG"),
    ("CK_HEDGE_TYPE", "CK_ULONG"),
    ("CK_HSS_LEVELS", "CK_ULONG"),
    ("CK_HW_FEATURE_TYPE", "CK_ULONG"),
    ("CK_JAVA_MIDP_SECURITY_DOMAIN", "CK_ULONG"),
    ("CK_KEY_TYPE", "CK_ULONG"),
    ("CK_LMS_TYPE", "CK_ULONG"),
    ("CK_LMOTS_TYPE", "CK_ULONG"),
    ("CK_MAC_GENERAL_PARAMS", "CK_ULONG"),
    ("CK_MECHANISM_TYPE", "CK_ULONG"),
    ("CK_ML_DSA_PARAMETER_SET_TYPE", "CK_ULONG"),
    ("CK_ML_KEM_PARAMETER_SET_TYPE", "CK_ULONG"),
    ("CK_NOTIFICATION", "CK_ULONG"),
    ("CK_OBJECT_CLASS", "CK_ULONG"),
    ("CK_OBJECT_HANDLE", "CK_ULONG"),
    ("CK_OTP_PARAM_TYPE", "CK_ULONG"),
    ("CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE", "CK_ULONG"),
    ("CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE", "CK_ULONG"),
    ("CK_PRF_DATA_TYPE", "CK_ULONG"),
    ("CK_PROFILE_ID", "CK_ULONG"),
    ("CK_RC2_PARAMS", "CK_ULONG"),
    ("CK_RSA_PKCS_MGF_TYPE", "CK_ULONG"),
    ("CK_RSA_PKCS_OAEP_SOURCE_TYPE", "CK_ULONG"),
    ("CK_RV", "CK_ULONG"),
    ("CK_SESSION_HANDLE", "CK_ULONG"),
    ("CK_SESSION_VALIDATION_FLAGS_TYPE", "CK_ULONG"),
    ("CK_SLH_DSA_PARAMETER_SET_TYPE", "CK_ULONG"),
    ("CK_SLOT_ID", "CK_ULONG"),
    ("CK_SP800_108_DKM_LENGTH_METHOD", "CK_ULONG"),
    ("CK_STATE", "CK_ULONG"),
    ("CK_TRUST", "CK_ULONG"),
    ("CK_USER_TYPE", "CK_ULONG"),
    ("CK_VALIDATION_AUTHORITY_TYPE", "CK_ULONG"),
    ("CK_VALIDATION_TYPE", "CK_ULONG"),
    ("CK_X2RATCHET_KDF_TYPE", "CK_ULONG"),
    ("CK_X3DH_KDF_TYPE", "CK_ULONG"),
    ("CK_X9_42_DH_KDF_TYPE", "CK_ULONG"),
    ("CK_XEDDSA_HASH_TYPE", "CK_ULONG"),
    ("CK_XMSSMT_PARAMETER_SET_TYPE", "CK_ULONG"),
    ("CK_XMSS_PARAMETER_SET_TYPE", "CK_ULONG"),
    ("CK_SP800_108_PRF_TYPE", "CK_MECHANISM_TYPE"),
];

/// Types that have a name for a pointer to them: `_PTR` after their own; [`POINTERS_TO_POINTERS`] also have one for a pointer to that.
#[rustfmt::skip]
pub static POINTERS: &[&str] = &[
    "CK_BBOOL", "CK_BYTE", "CK_CHAR", "CK_UTF8CHAR", "CK_ULONG", "CK_ATTRIBUTE_TYPE",
    "CK_CERTIFICATE_CATEGORY", "CK_CERTIFICATE_TYPE", "CK_EC_KDF_TYPE", "CK_EXTRACT_PARAMS", "CK_FLAGS",
    "CK_GENERATOR_FUNCTION", "CK_HEDGE_TYPE", "CK_HSS_LEVELS", "CK_HW_FEATURE_TYPE",
    "CK_JAVA_MIDP_SECURITY_DOMAIN", "CK_KEY_TYPE", "CK_LMS_TYPE", "CK_LMOTS_TYPE", "CK_MAC_GENERAL_PARAMS",
    "CK_MECHANISM_TYPE", "CK_ML_DSA_PARAMETER_SET_TYPE", "CK_ML_KEM_PARAMETER_SET_TYPE", "CK_NOTIFICATION",
    "CK_OBJECT_CLASS", "CK_OBJECT_HANDLE", "CK_OTP_PARAM_TYPE", "CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE",
    "CK_PRF_DATA_TYPE", "CK_PROFILE_ID", "CK_RC2_PARAMS", "CK_RSA_PKCS_MGF_TYPE",
    "CK_RSA_PKCS_OAEP_SOURCE_TYPE", "CK_RV", "CK_SESSION_HANDLE", "CK_SESSION_VALIDATION_FLAGS_TYPE",
    "CK_SLH_DSA_PARAMETER_SET_TYPE", "CK_SLOT_ID", "CK_SP800_108_DKM_LENGTH_METHOD", "CK_STATE", "CK_TRUST",
    "CK_USER_TYPE", "CK_VALIDATION_AUTHORITY_TYPE", "CK_VALIDATION_TYPE", "CK_X2RATCHET_KDF_TYPE",
    "CK_X3DH_KDF_TYPE", "CK_X9_42_DH_KDF_TYPE", "CK_XEDDSA_HASH_TYPE", "CK_XMSSMT_PARAMETER_SET_TYPE",
    "CK_XMSS_PARAMETER_SET_TYPE", "CK_ATTRIBUTE", "CK_C_INITIALIZE_ARGS", "CK_DATE", "CK_DERIVED_KEY",
    "CK_FUNCTION_LIST", "CK_FUNCTION_LIST_3_0", "CK_FUNCTION_LIST_3_2", "CK_INFO", "CK_INTERFACE",
    "CK_MECHANISM", "CK_MECHANISM_INFO", "CK_SESSION_INFO", "CK_SLOT_INFO", "CK_TOKEN_INFO", "CK_VERSION",
    "CK_AES_CBC_ENCRYPT_DATA_PARAMS", "CK_AES_CCM_PARAMS", "CK_AES_CTR_PARAMS", "CK_AES_GCM_PARAMS",
    "CK_ARIA_CBC_ENCRYPT_DATA_PARAMS", "CK_ASYNC_DATA", "CK_CAMELLIA_CBC_ENCRYPT_DATA_PARAMS",
    "CK_CAMELLIA_CTR_PARAMS", "CK_CCM_MESSAGE_PARAMS", "CK_CCM_PARAMS", "CK_CCM_WRAP_PARAMS",
    "CK_CHACHA20_PARAMS", "CK_CMS_SIG_PARAMS", "CK_DES_CBC_ENCRYPT_DATA_PARAMS",
    "CK_DSA_PARAMETER_GEN_PARAM", "CK_ECDH_AES_KEY_WRAP_PARAMS", "CK_ECDH1_DERIVE_PARAMS",
    "CK_ECDH2_DERIVE_PARAMS", "CK_ECMQV_DERIVE_PARAMS", "CK_EDDSA_PARAMS", "CK_GCM_MESSAGE_PARAMS",
    "CK_GCM_PARAMS", "CK_GCM_WRAP_PARAMS", "CK_GOSTR3410_DERIVE_PARAMS", "CK_GOSTR3410_KEY_WRAP_PARAMS",
    "CK_HASH_SIGN_ADDITIONAL_CONTEXT", "CK_HKDF_PARAMS", "CK_IKE_PRF_DERIVE_PARAMS",
    "CK_IKE1_EXTENDED_DERIVE_PARAMS", "CK_IKE1_PRF_DERIVE_PARAMS", "CK_IKE2_PRF_PLUS_DERIVE_PARAMS",
    "CK_KEA_DERIVE_PARAMS", "CK_KEY_DERIVATION_STRING_DATA", "CK_KEY_WRAP_SET_OAEP_PARAMS", "CK_KIP_PARAMS",
    "CK_OTP_PARAM", "CK_OTP_PARAMS", "CK_OTP_SIGNATURE_INFO", "CK_PBE_PARAMS", "CK_PKCS5_PBKD2_PARAMS",
    "CK_PKCS5_PBKD2_PARAMS2", "CK_PRF_DATA_PARAM", "CK_RC2_CBC_PARAMS", "CK_RC2_MAC_GENERAL_PARAMS",
    "CK_RC5_CBC_PARAMS", "CK_RC5_MAC_GENERAL_PARAMS", "CK_RC5_PARAMS", "CK_RSA_AES_KEY_WRAP_PARAMS",
    "CK_RSA_PKCS_OAEP_PARAMS", "CK_RSA_PKCS_PSS_PARAMS", "CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS",
    "CK_SALSA20_CHACHA20_POLY1305_PARAMS", "CK_SALSA20_PARAMS", "CK_SEED_CBC_ENCRYPT_DATA_PARAMS",
    "CK_SIGN_ADDITIONAL_CONTEXT", "CK_SKIPJACK_PRIVATE_WRAP_PARAMS", "CK_SKIPJACK_RELAYX_PARAMS",
    "CK_SP800_108_COUNTER_FORMAT", "CK_SP800_108_DKM_LENGTH_FORMAT", "CK_SP800_108_FEEDBACK_KDF_PARAMS",
    "CK_SP800_108_KDF_PARAMS", "CK_X2RATCHET_INITIALIZE_PARAMS", "CK_X2RATCHET_RESPOND_PARAMS",
    "CK_X3DH_INITIATE_PARAMS", "CK_X3DH_RESPOND_PARAMS", "CK_X9_42_DH1_DERIVE_PARAMS",
    "CK_X9_42_DH2_DERIVE_PARAMS", "CK_X9_42_MQV_DERIVE_PARAMS", "CK_XEDDSA_PARAMS", "CK_SSL3_KEY_MAT_OUT",
    "CK_SSL3_KEY_MAT_PARAMS", "CK_SSL3_MASTER_KEY_DERIVE_PARAMS", "CK_SSL3_RANDOM_DATA",
    "CK_TLS_KDF_PARAMS", "CK_TLS_MAC_PARAMS", "CK_TLS_PRF_PARAMS", "CK_TLS12_KEY_MAT_PARAMS",
    "CK_TLS12_MASTER_KEY_DERIVE_PARAMS", "CK_WTLS_KEY_MAT_OUT", "CK_WTLS_KEY_MAT_PARAMS",
    "CK_WTLS_MASTER_KEY_DERIVE_PARAMS", "CK_WTLS_PRF_PARAMS", "CK_WTLS_RANDOM_DATA",
];

/// See [`POINTERS`].
pub static POINTERS_TO_POINTERS: &[&str] =
    &["CK_ATTRIBUTE", "CK_INTERFACE", "CK_FUNCTION_LIST", "CK_FUNCTION_LIST_3_0", "CK_FUNCTION_LIST_3_2"];

/// Declares [`STRUCTURES`] from the structures as Rust would declare them.
macro_rules! structures {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {
        /// All structures, each after those it contains.
        pub static STRUCTURES: &[Structure] = &[$(
            Structure {
                name: stringify!($name),
                #[cfg(test)]
                size: size_of::<ck::$name>(),
                fields: &[$(
                    Field {
                        name: stringify!($field),
                        rust_type: stringify!($type),
                        #[cfg(test)]
                        offset: std::mem::offset_of!(ck::$name, $field),
                    },
                )*],
            },
        )*];

        $(const _: fn(&ck::$name) = |structure| {
            $(let _: &$type = &structure.$field;)*
        };)*
    };
}

structures! {
    CK_ATTRIBUTE {
        type_: CK_ATTRIBUTE_TYPE,
        pValue: *mut c_void,
        ulValueLen: CK_ULONG,
    }
    CK_C_INITIALIZE_ARGS {
        CreateMutex: CK_CREATEMUTEX,
        DestroyMutex: CK_DESTROYMUTEX,
        LockMutex: CK_LOCKMUTEX,
        UnlockMutex: CK_UNLOCKMUTEX,
        flags: CK_FLAGS,
        pReserved: *mut c_void,
    }
    CK_DATE {
        year: [CK_CHAR; 4],
        month: [CK_CHAR; 2],
        day: [CK_CHAR; 2],
    }
    CK_DERIVED_KEY {
        pTemplate: *mut CK_ATTRIBUTE,
        ulAttributeCount: CK_ULONG,
        phKey: *mut CK_OBJECT_HANDLE,
    }
    CK_VERSION {
        major: CK_BYTE,
        minor: CK_BYTE,
    }
    CK_INFO {
        cryptokiVersion: CK_VERSION,
        manufacturerID: [CK_UTF8CHAR; 32],
        flags: CK_FLAGS,
        libraryDescription: [CK_UTF8CHAR; 32],
        libraryVersion: CK_VERSION,
    }
    CK_INTERFACE {
        pInterfaceName: *mut CK_UTF8CHAR,
        pFunctionList: *mut c_void,
        flags: CK_FLAGS,
    }
    CK_MECHANISM {
        mechanism: CK_MECHANISM_TYPE,
        pParameter: *mut c_void,
        ulParameterLen: CK_ULONG,
    }
    CK_MECHANISM_INFO {
        ulMinKeySize: CK_ULONG,
        ulMaxKeySize: CK_ULONG,
        flags: CK_FLAGS,
    }
    CK_SESSION_INFO {
        slotID: CK_SLOT_ID,
        state: CK_STATE,
        flags: CK_FLAGS,
        ulDeviceError: CK_ULONG,
    }
    CK_SLOT_INFO {
        slotDescription: [CK_UTF8CHAR; 64],
        manufacturerID: [CK_UTF8CHAR; 32],
        flags: CK_FLAGS,
        hardwareVersion: CK_VERSION,
        firmwareVersion: CK_VERSION,
    }
    CK_TOKEN_INFO {
        label: [CK_UTF8CHAR; 32],
        manufacturerID: [CK_UTF8CHAR; 32],
        model: [CK_UTF8CHAR; 16],
        serialNumber: [CK_CHAR; 16],
        flags: CK_FLAGS,
        ulMaxSessionCount: CK_ULONG,
        ulSessionCount: CK_ULONG,
        ulMaxRwSessionCount: CK_ULONG,
        ulRwSessionCount: CK_ULONG,
        ulMaxPinLen: CK_ULONG,
        ulMinPinLen: CK_ULONG,
        ulTotalPublicMemory: CK_ULONG,
        ulFreePublicMemory: CK_ULONG,
        ulTotalPrivateMemory: CK_ULONG,
        ulFreePrivateMemory: CK_ULONG,
        hardwareVersion: CK_VERSION,
        firmwareVersion: CK_VERSION,
        utcTime: [CK_CHAR; 16],
    }
    CK_AES_CBC_ENCRYPT_DATA_PARAMS {
        iv: [CK_BYTE; 16],
        pData: *mut CK_BYTE,
        length: CK_ULONG,
    }
    CK_AES_CCM_PARAMS {
        ulDataLen: CK_ULONG,
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulMACLen: CK_ULONG,
    }
    CK_AES_CTR_PARAMS {
        ulCounterBits: CK_ULONG,
        cb: [CK_BYTE; 16],
    }
    CK_AES_GCM_PARAMS {
        pIv: *mut CK_BYTE,
        ulIvLen: CK_ULONG,
        ulIvBits: CK_ULONG,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulTagBits: CK_ULONG,
    }
    CK_ARIA_CBC_ENCRYPT_DATA_PARAMS {
        iv: [CK_BYTE; 16],
        pData: *mut CK_BYTE,
        length: CK_ULONG,
    }
    CK_ASYNC_DATA {
        ulVersion: CK_ULONG,
        pValue: *mut CK_BYTE,
        ulValue: CK_ULONG,
        hObject: CK_OBJECT_HANDLE,
        hAdditionalObject: CK_OBJECT_HANDLE,
    }
    CK_CAMELLIA_CBC_ENCRYPT_DATA_PARAMS {
        iv: [CK_BYTE; 16],
        pData: *mut CK_BYTE,
        length: CK_ULONG,
    }
    CK_CAMELLIA_CTR_PARAMS {
        ulCounterBits: CK_ULONG,
        cb: [CK_BYTE; 16],
    }
    CK_CCM_MESSAGE_PARAMS {
        ulDataLen: CK_ULONG,
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        ulNonceFixedBits: CK_ULONG,
        nonceGenerator: CK_GENERATOR_FUNCTION,
        pMAC: *mut CK_BYTE,
        ulMACLen: CK_ULONG,
    }
    CK_CCM_PARAMS {
        ulDataLen: CK_ULONG,
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulMACLen: CK_ULONG,
    }
    CK_CCM_WRAP_PARAMS {
        ulDataLen: CK_ULONG,
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        ulNonceFixedBits: CK_ULONG,
        nonceGenerator: CK_GENERATOR_FUNCTION,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulMACLen: CK_ULONG,
    }
    CK_CHACHA20_PARAMS {
        pBlockCounter: *mut CK_BYTE,
        blockCounterBits: CK_ULONG,
        pNonce: *mut CK_BYTE,
        ulNonceBits: CK_ULONG,
    }
    CK_CMS_SIG_PARAMS {
        certificateHandle: CK_OBJECT_HANDLE,
        pSigningMechanism: *mut CK_MECHANISM,
        pDigestMechanism: *mut CK_MECHANISM,
        pContentType: *mut CK_UTF8CHAR,
        pRequestedAttributes: *mut CK_BYTE,
        ulRequestedAttributesLen: CK_ULONG,
        pRequiredAttributes: *mut CK_BYTE,
        ulRequiredAttributesLen: CK_ULONG,
    }
    CK_DES_CBC_ENCRYPT_DATA_PARAMS {
        iv: [CK_BYTE; 8],
        pData: *mut CK_BYTE,
        length: CK_ULONG,
    }
    CK_DSA_PARAMETER_GEN_PARAM {
        hash: CK_MECHANISM_TYPE,
        pSeed: *mut CK_BYTE,
        ulSeedLen: CK_ULONG,
        ulIndex: CK_ULONG,
    }
    CK_ECDH_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: CK_ULONG,
        kdf: CK_EC_KDF_TYPE,
        ulSharedDataLen: CK_ULONG,
        pSharedData: *mut CK_BYTE,
    }
    CK_ECDH1_DERIVE_PARAMS {
        kdf: CK_EC_KDF_TYPE,
        ulSharedDataLen: CK_ULONG,
        pSharedData: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
    }
    CK_ECDH2_DERIVE_PARAMS {
        kdf: CK_EC_KDF_TYPE,
        ulSharedDataLen: CK_ULONG,
        pSharedData: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
        ulPrivateDataLen: CK_ULONG,
        hPrivateData: CK_OBJECT_HANDLE,
        ulPublicDataLen2: CK_ULONG,
        pPublicData2: *mut CK_BYTE,
    }
    CK_ECMQV_DERIVE_PARAMS {
        kdf: CK_EC_KDF_TYPE,
        ulSharedDataLen: CK_ULONG,
        pSharedData: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
        ulPrivateDataLen: CK_ULONG,
        hPrivateData: CK_OBJECT_HANDLE,
        ulPublicDataLen2: CK_ULONG,
        pPublicData2: *mut CK_BYTE,
        publicKey: CK_OBJECT_HANDLE,
    }
    CK_EDDSA_PARAMS {
        phFlag: CK_BBOOL,
        ulContextDataLen: CK_ULONG,
        pContextData: *mut CK_BYTE,
    }
    CK_GCM_MESSAGE_PARAMS {
        pIv: *mut CK_BYTE,
        ulIvLen: CK_ULONG,
        ulIvFixedBits: CK_ULONG,
        ivGenerator: CK_GENERATOR_FUNCTION,
        pTag: *mut CK_BYTE,
        ulTagBits: CK_ULONG,
    }
    CK_GCM_PARAMS {
        pIv: *mut CK_BYTE,
        ulIvLen: CK_ULONG,
        ulIvBits: CK_ULONG,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulTagBits: CK_ULONG,
    }
    CK_GCM_WRAP_PARAMS {
        pIv: *mut CK_BYTE,
        ulIvLen: CK_ULONG,
        ulIvFixedBits: CK_ULONG,
        ivGenerator: CK_GENERATOR_FUNCTION,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
        ulTagBits: CK_ULONG,
    }
    CK_GOSTR3410_DERIVE_PARAMS {
        kdf: CK_EC_KDF_TYPE,
        pPublicData: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pUKM: *mut CK_BYTE,
        ulUKMLen: CK_ULONG,
    }
    CK_GOSTR3410_KEY_WRAP_PARAMS {
        pWrapOID: *mut CK_BYTE,
        ulWrapOIDLen: CK_ULONG,
        pUKM: *mut CK_BYTE,
        ulUKMLen: CK_ULONG,
        hKey: CK_OBJECT_HANDLE,
    }
    CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CK_HEDGE_TYPE,
        pContext: *mut CK_BYTE,
        ulContextLen: CK_ULONG,
        hash: CK_MECHANISM_TYPE,
    }
    CK_HKDF_PARAMS {
        bExtract: CK_BBOOL,
        bExpand: CK_BBOOL,
        prfHashMechanism: CK_MECHANISM_TYPE,
        ulSaltType: CK_ULONG,
        pSalt: *mut CK_BYTE,
        ulSaltLen: CK_ULONG,
        hSaltKey: CK_OBJECT_HANDLE,
        pInfo: *mut CK_BYTE,
        ulInfoLen: CK_ULONG,
    }
    CK_IKE_PRF_DERIVE_PARAMS {
        prfMechanism: CK_MECHANISM_TYPE,
        bDataAsKey: CK_BBOOL,
        bRekey: CK_BBOOL,
        pNi: *mut CK_BYTE,
        ulNiLen: CK_ULONG,
        pNr: *mut CK_BYTE,
        ulNrLen: CK_ULONG,
        hNewKey: CK_OBJECT_HANDLE,
    }
    CK_IKE1_EXTENDED_DERIVE_PARAMS {
        prfMechanism: CK_MECHANISM_TYPE,
        bHasKeygxy: CK_BBOOL,
        hKeygxy: CK_OBJECT_HANDLE,
        pExtraData: *mut CK_BYTE,
        ulExtraDataLen: CK_ULONG,
    }
    CK_IKE1_PRF_DERIVE_PARAMS {
        prfMechanism: CK_MECHANISM_TYPE,
        bHasPrevKey: CK_BBOOL,
        hKeygxy: CK_OBJECT_HANDLE,
        hPrevKey: CK_OBJECT_HANDLE,
        pCKYi: *mut CK_BYTE,
        ulCKYiLen: CK_ULONG,
        pCKYr: *mut CK_BYTE,
        ulCKYrLen: CK_ULONG,
        keyNumber: CK_BYTE,
    }
    CK_IKE2_PRF_PLUS_DERIVE_PARAMS {
        prfMechanism: CK_MECHANISM_TYPE,
        bHasSeedKey: CK_BBOOL,
        hSeedKey: CK_OBJECT_HANDLE,
        pSeedData: *mut CK_BYTE,
        ulSeedDataLen: CK_ULONG,
    }
    CK_KEA_DERIVE_PARAMS {
        isSender: CK_BBOOL,
        ulRandomLen: CK_ULONG,
        RandomA: *mut CK_BYTE,
        RandomB: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        PublicData: *mut CK_BYTE,
    }
    CK_KEY_DERIVATION_STRING_DATA {
        pData: *mut CK_BYTE,
        ulLen: CK_ULONG,
    }
    CK_KEY_WRAP_SET_OAEP_PARAMS {
        bBC: CK_BYTE,
        pX: *mut CK_BYTE,
        ulXLen: CK_ULONG,
    }
    CK_KIP_PARAMS {
        pMechanism: *mut CK_MECHANISM,
        hKey: CK_OBJECT_HANDLE,
        pSeed: *mut CK_BYTE,
        ulSeedLen: CK_ULONG,
    }
    CK_OTP_PARAM {
        type_: CK_OTP_PARAM_TYPE,
        pValue: *mut c_void,
        ulValueLen: CK_ULONG,
    }
    CK_OTP_PARAMS {
        pParams: *mut CK_OTP_PARAM,
        ulCount: CK_ULONG,
    }
    CK_OTP_SIGNATURE_INFO {
        pParams: *mut CK_OTP_PARAM,
        ulCount: CK_ULONG,
    }
    CK_PBE_PARAMS {
        pInitVector: *mut CK_BYTE,
        pPassword: *mut CK_UTF8CHAR,
        ulPasswordLen: CK_ULONG,
        pSalt: *mut CK_BYTE,
        ulSaltLen: CK_ULONG,
        ulIteration: CK_ULONG,
    }
    CK_PKCS5_PBKD2_PARAMS {
        saltSource: CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE,
        pSaltSourceData: *mut c_void,
        ulSaltSourceDataLen: CK_ULONG,
        iterations: CK_ULONG,
        prf: CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE,
        pPrfData: *mut c_void,
        ulPrfDataLen: CK_ULONG,
        pPassword: *mut CK_UTF8CHAR,
        ulPasswordLen: *mut CK_ULONG,
    }
    CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CK_PKCS5_PBKDF2_SALT_SOURCE_TYPE,
        pSaltSourceData: *mut c_void,
        ulSaltSourceDataLen: CK_ULONG,
        iterations: CK_ULONG,
        prf: CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE,
        pPrfData: *mut c_void,
        ulPrfDataLen: CK_ULONG,
        pPassword: *mut CK_UTF8CHAR,
        ulPasswordLen: CK_ULONG,
    }
    CK_PRF_DATA_PARAM {
        type_: CK_PRF_DATA_TYPE,
        pValue: *mut c_void,
        ulValueLen: CK_ULONG,
    }
    CK_RC2_CBC_PARAMS {
        ulEffectiveBits: CK_ULONG,
        iv: [CK_BYTE; 8],
    }
    CK_RC2_MAC_GENERAL_PARAMS {
        ulEffectiveBits: CK_ULONG,
        ulMacLength: CK_ULONG,
    }
    CK_RC5_CBC_PARAMS {
        ulWordsize: CK_ULONG,
        ulRounds: CK_ULONG,
        pIv: *mut CK_BYTE,
        ulIvLen: CK_ULONG,
    }
    CK_RC5_MAC_GENERAL_PARAMS {
        ulWordsize: CK_ULONG,
        ulRounds: CK_ULONG,
        ulMacLength: CK_ULONG,
    }
    CK_RC5_PARAMS {
        ulWordsize: CK_ULONG,
        ulRounds: CK_ULONG,
    }
    CK_RSA_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: CK_ULONG,
        pOAEPParams: *mut CK_RSA_PKCS_OAEP_PARAMS,
    }
    CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        source: CK_RSA_PKCS_OAEP_SOURCE_TYPE,
        pSourceData: *mut c_void,
        ulSourceDataLen: CK_ULONG,
    }
    CK_RSA_PKCS_PSS_PARAMS {
        hashAlg: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        sLen: CK_ULONG,
    }
    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        pTag: *mut CK_BYTE,
    }
    CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        pNonce: *mut CK_BYTE,
        ulNonceLen: CK_ULONG,
        pAAD: *mut CK_BYTE,
        ulAADLen: CK_ULONG,
    }
    CK_SALSA20_PARAMS {
        pBlockCounter: *mut CK_BYTE,
        pNonce: *mut CK_BYTE,
        ulNonceBits: CK_ULONG,
    }
    CK_SEED_CBC_ENCRYPT_DATA_PARAMS {
        iv: [CK_BYTE; 16],
        pData: *mut CK_BYTE,
        length: CK_ULONG,
    }
    CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CK_HEDGE_TYPE,
        pContext: *mut CK_BYTE,
        ulContextLen: CK_ULONG,
    }
    CK_SKIPJACK_PRIVATE_WRAP_PARAMS {
        ulPasswordLen: CK_ULONG,
        pPassword: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
        ulPAndGLen: CK_ULONG,
        ulQLen: CK_ULONG,
        ulRandomLen: CK_ULONG,
        pRandomA: *mut CK_BYTE,
        pPrimeP: *mut CK_BYTE,
        pBaseG: *mut CK_BYTE,
        pSubprimeQ: *mut CK_BYTE,
    }
    CK_SKIPJACK_RELAYX_PARAMS {
        ulOldWrappedXLen: CK_ULONG,
        pOldWrappedX: *mut CK_BYTE,
        ulOldPasswordLen: CK_ULONG,
        pOldPassword: *mut CK_BYTE,
        ulOldPublicDataLen: CK_ULONG,
        pOldPublicData: *mut CK_BYTE,
        ulOldRandomLen: CK_ULONG,
        pOldRandomA: *mut CK_BYTE,
        ulNewPasswordLen: CK_ULONG,
        pNewPassword: *mut CK_BYTE,
        ulNewPublicDataLen: CK_ULONG,
        pNewPublicData: *mut CK_BYTE,
        ulNewRandomLen: CK_ULONG,
        pNewRandomA: *mut CK_BYTE,
    }
    CK_SP800_108_COUNTER_FORMAT {
        bLittleEndian: CK_BBOOL,
        ulWidthInBits: CK_ULONG,
    }
    CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: CK_SP800_108_DKM_LENGTH_METHOD,
        bLittleEndian: CK_BBOOL,
        ulWidthInBits: CK_ULONG,
    }
    CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: CK_SP800_108_PRF_TYPE,
        ulNumberOfDataParams: CK_ULONG,
        pDataParams: *mut CK_PRF_DATA_PARAM,
        ulIVLen: CK_ULONG,
        pIV: *mut CK_BYTE,
        ulAdditionalDerivedKeys: CK_ULONG,
        pAdditionalDerivedKeys: *mut CK_DERIVED_KEY,
    }
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
        prfHashMechanism: CK_MECHANISM_TYPE,
        pSessionHash: *mut CK_BYTE,
        ulSessionHashLen: CK_ULONG,
        pVersion: *mut CK_VERSION,
    }
    CK_SP800_108_KDF_PARAMS {
        prfType: CK_SP800_108_PRF_TYPE,
        ulNumberOfDataParams: CK_ULONG,
        pDataParams: *mut CK_PRF_DATA_PARAM,
        ulAdditionalDerivedKeys: CK_ULONG,
        pAdditionalDerivedKeys: *mut CK_DERIVED_KEY,
    }
    CK_X2RATCHET_INITIALIZE_PARAMS {
        sk: *mut CK_BYTE,
        peer_public_prekey: CK_OBJECT_HANDLE,
        peer_public_identity: CK_OBJECT_HANDLE,
        own_public_identity: CK_OBJECT_HANDLE,
        bEncryptedHeader: CK_BBOOL,
        eCurve: CK_ULONG,
        aeadMechanism: CK_MECHANISM_TYPE,
        kdfMechanism: CK_X2RATCHET_KDF_TYPE,
    }
    CK_X2RATCHET_RESPOND_PARAMS {
        sk: *mut CK_BYTE,
        own_prekey: CK_OBJECT_HANDLE,
        initiator_identity: CK_OBJECT_HANDLE,
        own_public_identity: CK_OBJECT_HANDLE,
        bEncryptedHeader: CK_BBOOL,
        eCurve: CK_ULONG,
        aeadMechanism: CK_MECHANISM_TYPE,
        kdfMechanism: CK_X2RATCHET_KDF_TYPE,
    }
    CK_X3DH_INITIATE_PARAMS {
        kdf: CK_X3DH_KDF_TYPE,
        pPeer_identity: CK_OBJECT_HANDLE,
        pPeer_prekey: CK_OBJECT_HANDLE,
        pPrekey_signature: *mut CK_BYTE,
        pOnetime_key: *mut CK_BYTE,
        pOwn_identity: CK_OBJECT_HANDLE,
        pOwn_ephemeral: CK_OBJECT_HANDLE,
    }
    CK_X3DH_RESPOND_PARAMS {
        kdf: CK_X3DH_KDF_TYPE,
        pIdentity_id: *mut CK_BYTE,
        pPrekey_id: *mut CK_BYTE,
        pOnetime_id: *mut CK_BYTE,
        pInitiator_identity: CK_OBJECT_HANDLE,
        pInitiator_ephemeral: *mut CK_BYTE,
    }
    CK_X9_42_DH1_DERIVE_PARAMS {
        kdf: CK_X9_42_DH_KDF_TYPE,
        ulOtherInfoLen: CK_ULONG,
        pOtherInfo: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
    }
    CK_X9_42_DH2_DERIVE_PARAMS {
        kdf: CK_X9_42_DH_KDF_TYPE,
        ulOtherInfoLen: CK_ULONG,
        pOtherInfo: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        pPublicData: *mut CK_BYTE,
        ulPrivateDataLen: CK_ULONG,
        hPrivateData: CK_OBJECT_HANDLE,
        ulPublicDataLen2: CK_ULONG,
        pPublicData2: *mut CK_BYTE,
    }
    CK_X9_42_MQV_DERIVE_PARAMS {
        kdf: CK_X9_42_DH_KDF_TYPE,
        ulOtherInfoLen: CK_ULONG,
        OtherInfo: *mut CK_BYTE,
        ulPublicDataLen: CK_ULONG,
        PublicData: *mut CK_BYTE,
        ulPrivateDataLen: CK_ULONG,
        hPrivateData: CK_OBJECT_HANDLE,
        ulPublicDataLen2: CK_ULONG,
        PublicData2: *mut CK_BYTE,
        publicKey: CK_OBJECT_HANDLE,
    }
    CK_XEDDSA_PARAMS {
        hash: CK_XEDDSA_HASH_TYPE,
    }
    CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: CK_OBJECT_HANDLE,
        hServerMacSecret: CK_OBJECT_HANDLE,
        hClientKey: CK_OBJECT_HANDLE,
        hServerKey: CK_OBJECT_HANDLE,
        pIVClient: *mut CK_BYTE,
        pIVServer: *mut CK_BYTE,
    }
    CK_SSL3_RANDOM_DATA {
        pClientRandom: *mut CK_BYTE,
        ulClientRandomLen: CK_ULONG,
        pServerRandom: *mut CK_BYTE,
        ulServerRandomLen: CK_ULONG,
    }
    CK_SSL3_KEY_MAT_PARAMS {
        ulMacSizeInBits: CK_ULONG,
        ulKeySizeInBits: CK_ULONG,
        ulIVSizeInBits: CK_ULONG,
        bIsExport: CK_BBOOL,
        RandomInfo: CK_SSL3_RANDOM_DATA,
        pReturnedKeyMaterial: *mut CK_SSL3_KEY_MAT_OUT,
    }
    CK_SSL3_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: CK_SSL3_RANDOM_DATA,
        pVersion: *mut CK_VERSION,
    }
    CK_TLS_KDF_PARAMS {
        prfMechanism: CK_MECHANISM_TYPE,
        pLabel: *mut CK_BYTE,
        ulLabelLength: CK_ULONG,
        RandomInfo: CK_SSL3_RANDOM_DATA,
        pContextData: *mut CK_BYTE,
        ulContextDataLength: CK_ULONG,
    }
    CK_TLS_MAC_PARAMS {
        prfHashMechanism: CK_MECHANISM_TYPE,
        ulMacLength: CK_ULONG,
        ulServerOrClient: CK_ULONG,
    }
    CK_TLS_PRF_PARAMS {
        pSeed: *mut CK_BYTE,
        ulSeedLen: CK_ULONG,
        pLabel: *mut CK_BYTE,
        ulLabelLen: CK_ULONG,
        pOutput: *mut CK_BYTE,
        pulOutputLen: *mut CK_ULONG,
    }
    CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: CK_ULONG,
        ulKeySizeInBits: CK_ULONG,
        ulIVSizeInBits: CK_ULONG,
        bIsExport: CK_BBOOL,
        RandomInfo: CK_SSL3_RANDOM_DATA,
        pReturnedKeyMaterial: *mut CK_SSL3_KEY_MAT_OUT,
        prfHashMechanism: CK_MECHANISM_TYPE,
    }
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: CK_SSL3_RANDOM_DATA,
        pVersion: *mut CK_VERSION,
        prfHashMechanism: CK_MECHANISM_TYPE,
    }
    CK_WTLS_KEY_MAT_OUT {
        hMacSecret: CK_OBJECT_HANDLE,
        hKey: CK_OBJECT_HANDLE,
        pIV: *mut CK_BYTE,
    }
    CK_WTLS_RANDOM_DATA {
        pClientRandom: *mut CK_BYTE,
        ulClientRandomLen: CK_ULONG,
        pServerRandom: *mut CK_BYTE,
        ulServerRandomLen: CK_ULONG,
    }
    CK_WTLS_KEY_MAT_PARAMS {
        DigestMechanism: CK_MECHANISM_TYPE,
        ulMacSizeInBits: CK_ULONG,
        ulKeySizeInBits: CK_ULONG,
        ulIVSizeInBits: CK_ULONG,
        ulSequenceNumber: CK_ULONG,
        bIsExport: CK_BBOOL,
        RandomInfo: CK_WTLS_RANDOM_DATA,
        pReturnedKeyMaterial: *mut CK_WTLS_KEY_MAT_OUT,
    }
    CK_WTLS_MASTER_KEY_DERIVE_PARAMS {
        DigestMechanism: CK_MECHANISM_TYPE,
        RandomInfo: CK_WTLS_RANDOM_DATA,
        pVersion: *mut CK_BYTE,
    }
    CK_WTLS_PRF_PARAMS {
        DigestMechanism: CK_MECHANISM_TYPE,
        pSeed: *mut CK_BYTE,
        ulSeedLen: CK_ULONG,
        pLabel: *mut CK_BYTE,
        ulLabelLen: CK_ULONG,
        pOutput: *mut CK_BYTE,
        pulOutputLen: *mut CK_ULONG,
    }
}
