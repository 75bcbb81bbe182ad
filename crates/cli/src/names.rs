//! Numbers of the standard in words, as tables.

use cloister::mechanism::registry;
use cloister::token::PinState;
use cryptoki_sys as ck;

/// How many tries a PIN has left.
pub fn pin_state(state: PinState) -> &'static str {
    match state {
        PinState::Fresh => "ok",
        PinState::CountLow => "tries failed",
        PinState::FinalTry => "final try",
        PinState::Locked => "locked",
    }
}

/// Classes of objects: number, the standard's name, and the short word.
pub const CLASSES: &[(u64, &str, &str)] = &[
    (ck::CKO_DATA, "CKO_DATA", "data"),
    (ck::CKO_CERTIFICATE, "CKO_CERTIFICATE", "certificate"),
    (ck::CKO_PUBLIC_KEY, "CKO_PUBLIC_KEY", "public"),
    (ck::CKO_PRIVATE_KEY, "CKO_PRIVATE_KEY", "private"),
    (ck::CKO_SECRET_KEY, "CKO_SECRET_KEY", "secret"),
    (ck::CKO_DOMAIN_PARAMETERS, "CKO_DOMAIN_PARAMETERS", "domain parameters"),
];

/// Types of keys: number, the standard's name, and the short word.
pub const KEY_TYPES: &[(u64, &str, &str)] = &[
    (ck::CKK_RSA, "CKK_RSA", "RSA"),
    (ck::CKK_EC, "CKK_EC", "EC"),
    (ck::CKK_EC_EDWARDS, "CKK_EC_EDWARDS", "EC Edwards"),
    (ck::CKK_EC_MONTGOMERY, "CKK_EC_MONTGOMERY", "EC Montgomery"),
    (ck::CKK_AES, "CKK_AES", "AES"),
    (ck::CKK_DES, "CKK_DES", "DES"),
    (ck::CKK_DES2, "CKK_DES2", "2DES"),
    (ck::CKK_DES3, "CKK_DES3", "3DES"),
    (ck::CKK_GENERIC_SECRET, "CKK_GENERIC_SECRET", "generic"),
    (ck::CKK_SHA_1_HMAC, "CKK_SHA_1_HMAC", "HMAC SHA-1"),
    (ck::CKK_SHA224_HMAC, "CKK_SHA224_HMAC", "HMAC SHA-224"),
    (ck::CKK_SHA256_HMAC, "CKK_SHA256_HMAC", "HMAC SHA-256"),
    (ck::CKK_SHA384_HMAC, "CKK_SHA384_HMAC", "HMAC SHA-384"),
    (ck::CKK_SHA512_HMAC, "CKK_SHA512_HMAC", "HMAC SHA-512"),
    (ck::CKK_SHA3_224_HMAC, "CKK_SHA3_224_HMAC", "HMAC SHA3-224"),
    (ck::CKK_SHA3_256_HMAC, "CKK_SHA3_256_HMAC", "HMAC SHA3-256"),
    (ck::CKK_SHA3_384_HMAC, "CKK_SHA3_384_HMAC", "HMAC SHA3-384"),
    (ck::CKK_SHA3_512_HMAC, "CKK_SHA3_512_HMAC", "HMAC SHA3-512"),
    (ck::CKK_CHACHA20, "CKK_CHACHA20", "ChaCha20"),
    (ck::CKK_HKDF, "CKK_HKDF", "HKDF"),
    (ck::CKK_ML_KEM, "CKK_ML_KEM", "ML-KEM"),
    (ck::CKK_ML_DSA, "CKK_ML_DSA", "ML-DSA"),
    (ck::CKK_SLH_DSA, "CKK_SLH_DSA", "SLH-DSA"),
];

/// Types of certificates: number, the standard's name, and the short word.
pub const CERTIFICATE_TYPES: &[(u64, &str, &str)] = &[(ck::CKC_X_509, "CKC_X_509", "X.509")];

/// What a key may be used for, in the order in which it is listed.
pub const USAGES: &[(u64, &str)] = &[
    (ck::CKA_ENCRYPT, "encrypt"),
    (ck::CKA_DECRYPT, "decrypt"),
    (ck::CKA_SIGN, "sign"),
    (ck::CKA_VERIFY, "verify"),
    (ck::CKA_SIGN_RECOVER, "sign-recover"),
    (ck::CKA_VERIFY_RECOVER, "verify-recover"),
    (ck::CKA_WRAP, "wrap"),
    (ck::CKA_UNWRAP, "unwrap"),
    (ck::CKA_DERIVE, "derive"),
    (ck::CKA_ENCAPSULATE, "encapsulate"),
    (ck::CKA_DECAPSULATE, "decapsulate"),
];

/// The short word for a number, or the number.
pub fn word(table: &[(u64, &str, &str)], number: u64) -> String {
    let row = table.iter().find(|(known, ..)| *known == number);
    row.map_or_else(|| format!("{number:#x}"), |(_, _, word)| (*word).to_owned())
}

/// The standard's name of a number, or the number.
pub fn name(table: &[(u64, &str, &str)], number: u64) -> String {
    let row = table.iter().find(|(known, ..)| *known == number);
    row.map_or_else(|| format!("{number:#x}"), |(_, name, _)| (*name).to_owned())
}

/// The `CKM_` name of a mechanism, or its number.
pub fn mechanism(number: u64) -> String {
    registry::find(number).map_or_else(|| format!("{number:#x}"), |row| row.name.to_owned())
}
