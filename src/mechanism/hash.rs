//! The digests and the numbers that name them in mechanisms, mask generation and key derivation functions.

use crate::crypto::Hash;
use cryptoki_sys as ck;

/// One digest with each number that stands for it.
pub struct HashRow {
    /// The digest.
    pub hash: Hash,
    /// `CKM_` of the digest itself.
    pub mechanism: u64,
    /// `CKG_MGF1_` with it.
    pub mgf: u64,
    /// `CKD_..._KDF`: X9.63 key derivation with it.
    pub kdf: u64,
}

/// All digests, each once.
pub const HASHES: &[HashRow] = &[
    row(Hash::Sha1, ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, ck::CKD_SHA1_KDF),
    row(Hash::Sha224, ck::CKM_SHA224, ck::CKG_MGF1_SHA224, ck::CKD_SHA224_KDF),
    row(Hash::Sha256, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, ck::CKD_SHA256_KDF),
    row(Hash::Sha384, ck::CKM_SHA384, ck::CKG_MGF1_SHA384, ck::CKD_SHA384_KDF),
    row(Hash::Sha512, ck::CKM_SHA512, ck::CKG_MGF1_SHA512, ck::CKD_SHA512_KDF),
    row(Hash::Sha3_224, ck::CKM_SHA3_224, ck::CKG_MGF1_SHA3_224, ck::CKD_SHA3_224_KDF),
    row(Hash::Sha3_256, ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_256, ck::CKD_SHA3_256_KDF),
    row(Hash::Sha3_384, ck::CKM_SHA3_384, ck::CKG_MGF1_SHA3_384, ck::CKD_SHA3_384_KDF),
    row(Hash::Sha3_512, ck::CKM_SHA3_512, ck::CKG_MGF1_SHA3_512, ck::CKD_SHA3_512_KDF),
];

const fn row(hash: Hash, mechanism: u64, mgf: u64, kdf: u64) -> HashRow {
    HashRow { hash, mechanism, mgf, kdf }
}

/// The digest that `CKM_` number names.
pub fn by_mechanism(number: u64) -> Option<Hash> {
    HASHES.iter().find(|row| row.mechanism == number).map(|row| row.hash)
}

/// The digest that `CKG_MGF1_` number names.
pub fn by_mgf(number: u64) -> Option<Hash> {
    HASHES.iter().find(|row| row.mgf == number).map(|row| row.hash)
}

/// The digest that `CKD_` number names.
pub fn by_kdf(number: u64) -> Option<Hash> {
    HASHES.iter().find(|row| row.kdf == number).map(|row| row.hash)
}
