//! The parameter sets of ML-DSA, ML-KEM and SLH-DSA (`CKA_PARAMETER_SET`; FIPS 204, 203 and 205).

use crate::attribute::Attributes;
use crate::crypto::ffi::named_key;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::PKeyRef;
use std::ffi::CStr;

/// One parameter set: its names and the bytes of all that is made with it.
#[derive(Debug)]
pub struct ParameterSet {
    /// `CKK_` number of its keys.
    pub key_type: u64,
    /// `CKP_` number, which says something only beside the key type.
    pub number: u64,
    /// OpenSSL's name.
    pub name: &'static CStr,
    /// DER of its object identifier, as NIST has registered it.
    pub oid: [u8; 11],
    /// Bytes of an encoded public key, by which mechanisms count its size.
    pub public: usize,
    /// Bytes of an encoded private key.
    pub private: usize,
    /// Bytes of the seed that a private key can be kept as (`CKA_SEED`), if it can.
    pub seed: Option<usize>,
    /// Bytes of a signature or of an encapsulated secret.
    pub output: usize,
}

/// All of them.
#[rustfmt::skip]
pub static PARAMETER_SETS: &[ParameterSet] = &[
    ml_dsa(ck::CKP_ML_DSA_44, c"ML-DSA-44", 17, 1312, 2560, 2420),
    ml_dsa(ck::CKP_ML_DSA_65, c"ML-DSA-65", 18, 1952, 4032, 3309),
    ml_dsa(ck::CKP_ML_DSA_87, c"ML-DSA-87", 19, 2592, 4896, 4627),
    ml_kem(ck::CKP_ML_KEM_512, c"ML-KEM-512", 1, 800, 1632, 768),
    ml_kem(ck::CKP_ML_KEM_768, c"ML-KEM-768", 2, 1184, 2400, 1088),
    ml_kem(ck::CKP_ML_KEM_1024, c"ML-KEM-1024", 3, 1568, 3168, 1568),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_128S, c"SLH-DSA-SHA2-128s", 20, 16, 7856),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_128S, c"SLH-DSA-SHAKE-128s", 26, 16, 7856),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_128F, c"SLH-DSA-SHA2-128f", 21, 16, 17088),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_128F, c"SLH-DSA-SHAKE-128f", 27, 16, 17088),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_192S, c"SLH-DSA-SHA2-192s", 22, 24, 16224),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_192S, c"SLH-DSA-SHAKE-192s", 28, 24, 16224),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_192F, c"SLH-DSA-SHA2-192f", 23, 24, 35664),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_192F, c"SLH-DSA-SHAKE-192f", 29, 24, 35664),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_256S, c"SLH-DSA-SHA2-256s", 24, 32, 29792),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_256S, c"SLH-DSA-SHAKE-256s", 30, 32, 29792),
    slh_dsa(ck::CKP_SLH_DSA_SHA2_256F, c"SLH-DSA-SHA2-256f", 25, 32, 49856),
    slh_dsa(ck::CKP_SLH_DSA_SHAKE_256F, c"SLH-DSA-SHAKE-256f", 31, 32, 49856),
];

const fn ml_dsa(
    number: u64,
    name: &'static CStr,
    arc: u8,
    public: usize,
    private: usize,
    output: usize,
) -> ParameterSet {
    let (key_type, oid) = (ck::CKK_ML_DSA, identifier(SIGNATURES, arc));
    ParameterSet { key_type, number, name, oid, public, private, seed: Some(32), output }
}

const fn ml_kem(
    number: u64,
    name: &'static CStr,
    arc: u8,
    public: usize,
    private: usize,
    output: usize,
) -> ParameterSet {
    let (key_type, oid) = (ck::CKK_ML_KEM, identifier(ENCAPSULATIONS, arc));
    ParameterSet { key_type, number, name, oid, public, private, seed: Some(64), output }
}

/// `n`: bytes of a hash value; a public key is two of them, a private key four.
const fn slh_dsa(number: u64, name: &'static CStr, arc: u8, n: usize, output: usize) -> ParameterSet {
    let (key_type, oid) = (ck::CKK_SLH_DSA, identifier(SIGNATURES, arc));
    let (public, private) = (2 * n, 4 * n);
    ParameterSet { key_type, number, name, oid, public, private, seed: None, output }
}

/// NIST's identifiers of algorithms: those of signatures, and those of encapsulations.
const SIGNATURES: u8 = 3;
const ENCAPSULATIONS: u8 = 4;

const fn identifier(purpose: u8, arc: u8) -> [u8; 11] {
    [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, purpose, arc]
}

impl ParameterSet {
    /// The one that attributes name, for keys of type `key_type` (`CKK_`): `ParameterSetNotSupported` if there is none of
    /// that number.
    pub fn named(key_type: u64, attributes: &Attributes) -> Result<&'static ParameterSet> {
        let number = attributes.ulong(ck::CKA_PARAMETER_SET).ok_or(Error::TemplateIncomplete)?;
        let found = PARAMETER_SETS.iter().find(|set| (set.key_type, set.number) == (key_type, number));
        found.ok_or(Error::ParameterSetNotSupported)
    }

    /// The one of a key; `None` for keys that have none.
    pub fn of<T>(key: &PKeyRef<T>) -> Option<&'static ParameterSet> {
        let name = named_key::type_name(key)?;
        PARAMETER_SETS.iter().find(|set| set.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_number_and_each_name_is_there_once() {
        let numbers: HashSet<_> = PARAMETER_SETS.iter().map(|set| (set.key_type, set.number)).collect();
        let names: HashSet<_> = PARAMETER_SETS.iter().map(|set| set.name).collect();
        assert_eq!((numbers.len(), names.len()), (PARAMETER_SETS.len(), PARAMETER_SETS.len()));
        assert_eq!(PARAMETER_SETS.len(), 18);
    }

    #[test]
    fn the_sizes_are_those_of_openssl() {
        for set in PARAMETER_SETS {
            let key = crate::crypto::generator::generate(set.name).unwrap();
            assert!(std::ptr::eq(ParameterSet::of(&key).unwrap(), set), "{:?}", set.name);
            assert_eq!(named_key::public_encoding(&key, set.public).unwrap().len(), set.public);
            assert_eq!(named_key::private_encoding(&key, set.private).unwrap().len(), set.private);
            assert_eq!(key.size(), set.output, "{:?}", set.name);
            if let Some(length) = set.seed {
                assert_eq!(named_key::seed(&key, length).unwrap().len(), length);
            }
        }
    }

    #[test]
    fn keys_of_other_types_and_unknown_numbers_have_none() {
        let key = openssl::pkey::PKey::generate_ed25519().unwrap();
        assert!(ParameterSet::of(&key).is_none());
        let unknown = Attributes::from_iter([(ck::CKA_PARAMETER_SET, 4u64)]);
        let refusal = |attributes| ParameterSet::named(ck::CKK_ML_KEM, attributes).unwrap_err();
        assert_eq!(refusal(&unknown), Error::ParameterSetNotSupported);
        assert_eq!(refusal(&Attributes::new()), Error::TemplateIncomplete);
    }
}
