//! The digests and the numbers that name them in mechanisms, mask generation and key derivation functions.

use crate::crypto::Hash;
use crate::crypto::kdf::AgreementKdf;
use cryptoki_sys as ck;

/// One digest with each number that stands for it.
pub struct HashRow {
    /// The digest.
    pub hash: Hash,
    /// `CKM_` of the digest itself.
    pub mechanism: u64,
    /// `CKM_..._HMAC` with it.
    pub hmac: u64,
    /// `CKG_MGF1_` with it, if there is one.
    pub mgf: Option<u64>,
    /// `CKD_..._KDF`: X9.63 key derivation with it, if there is one.
    pub kdf: Option<u64>,
    /// `CKD_..._KDF_SP800`, and all of BLAKE2b's: one-step key derivation with it (section 6.3), if there is one.
    pub one_step: Option<u64>,
    /// `CKP_PKCS5_PBKD2_HMAC_` with it, if there is one.
    pub pbkdf2: Option<u64>,
}

macro_rules! hashes {
    ($($hash:ident: $mechanism:ident, $hmac:ident, $mgf:expr, $kdf:expr, $one_step:expr, $pbkdf2:expr;)*) => {
        &[$(HashRow {
            hash: Hash::$hash,
            mechanism: ck::$mechanism,
            hmac: ck::$hmac,
            mgf: $mgf,
            kdf: $kdf,
            one_step: $one_step,
            pbkdf2: $pbkdf2,
        }),*]
    };
}

/// All digests, each once.
#[rustfmt::skip]
pub const HASHES: &[HashRow] = hashes! {
    Sha1: CKM_SHA_1, CKM_SHA_1_HMAC,
        Some(ck::CKG_MGF1_SHA1), Some(ck::CKD_SHA1_KDF), Some(ck::CKD_SHA1_KDF_SP800), Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA1);
    Sha224: CKM_SHA224, CKM_SHA224_HMAC,
        Some(ck::CKG_MGF1_SHA224), Some(ck::CKD_SHA224_KDF), Some(ck::CKD_SHA224_KDF_SP800), Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA224);
    Sha256: CKM_SHA256, CKM_SHA256_HMAC,
        Some(ck::CKG_MGF1_SHA256), Some(ck::CKD_SHA256_KDF), Some(ck::CKD_SHA256_KDF_SP800), Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA256);
    Sha384: CKM_SHA384, CKM_SHA384_HMAC,
        Some(ck::CKG_MGF1_SHA384), Some(ck::CKD_SHA384_KDF), Some(ck::CKD_SHA384_KDF_SP800), Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA384);
    Sha512: CKM_SHA512, CKM_SHA512_HMAC,
        Some(ck::CKG_MGF1_SHA512), Some(ck::CKD_SHA512_KDF), Some(ck::CKD_SHA512_KDF_SP800), Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512);
    Sha512_224: CKM_SHA512_224, CKM_SHA512_224_HMAC, None, None, None, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512_224);
    Sha512_256: CKM_SHA512_256, CKM_SHA512_256_HMAC, None, None, None, Some(ck::CKP_PKCS5_PBKD2_HMAC_SHA512_256);
    Sha3_224: CKM_SHA3_224, CKM_SHA3_224_HMAC, Some(ck::CKG_MGF1_SHA3_224), Some(ck::CKD_SHA3_224_KDF), Some(ck::CKD_SHA3_224_KDF_SP800), None;
    Sha3_256: CKM_SHA3_256, CKM_SHA3_256_HMAC, Some(ck::CKG_MGF1_SHA3_256), Some(ck::CKD_SHA3_256_KDF), Some(ck::CKD_SHA3_256_KDF_SP800), None;
    Sha3_384: CKM_SHA3_384, CKM_SHA3_384_HMAC, Some(ck::CKG_MGF1_SHA3_384), Some(ck::CKD_SHA3_384_KDF), Some(ck::CKD_SHA3_384_KDF_SP800), None;
    Sha3_512: CKM_SHA3_512, CKM_SHA3_512_HMAC, Some(ck::CKG_MGF1_SHA3_512), Some(ck::CKD_SHA3_512_KDF), Some(ck::CKD_SHA3_512_KDF_SP800), None;
    Blake2b512: CKM_BLAKE2B_512, CKM_BLAKE2B_512_HMAC, None, None, Some(ck::CKD_BLAKE2B_512_KDF), None;
};

fn find(holds: impl Fn(&HashRow) -> bool) -> Option<Hash> {
    HASHES.iter().find(|row| holds(row)).map(|row| row.hash)
}

/// The digest that `CKM_` number names.
pub fn by_mechanism(number: u64) -> Option<Hash> {
    find(|row| row.mechanism == number)
}

/// The digest of the HMAC that `CKM_` number names.
pub fn by_hmac(number: u64) -> Option<Hash> {
    find(|row| row.hmac == number)
}

/// The digest that `CKG_MGF1_` number names.
pub fn by_mgf(number: u64) -> Option<Hash> {
    find(|row| row.mgf == Some(number))
}

/// The derivation function that `CKD_` number names.
pub fn agreement_kdf(number: u64) -> Option<AgreementKdf> {
    let x963 = find(|row| row.kdf == Some(number)).map(AgreementKdf::X963);
    x963.or_else(|| find(|row| row.one_step == Some(number)).map(AgreementKdf::OneStep))
}

/// The digest that `CKP_PKCS5_PBKD2_` number names.
pub fn by_pbkdf2(number: u64) -> Option<Hash> {
    find(|row| row.pbkdf2 == Some(number))
}
