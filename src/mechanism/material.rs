//! Keys in the form OpenSSL works with, made once from an object's attributes and then kept.

use super::curves::Curve;
use super::pair_key::PairKey;
use super::parameter_set::ParameterSet;
use super::prime_key::PrimeType;
use super::{ec_key, pqc_key, rsa_key};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::SecretKey;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private, Public};

/// A key ready for use.
pub enum Material {
    /// A secret key's bytes.
    Secret(SecretKey),
    /// A public key.
    Public(PairKey<Public>),
    /// A private key.
    Private(PairKey<Private>),
}

impl Material {
    /// A secret key of these bytes.
    pub fn secret(value: Bytes) -> Material {
        Material::Secret(value.into())
    }

    /// Makes the material of a key object from all its attributes, secret ones included.
    ///
    /// Values that are no such key are `AttributeValueInvalid`, an unknown curve `CurveNotSupported` or
    /// `DomainParamsInvalid`, an unknown parameter set `ParameterSetNotSupported`, a point that is not on its curve
    /// `PublicKeyInvalid`, missing ones `TemplateIncomplete`, a key type without material here `KeyTypeInconsistent`.
    pub fn from_attributes(attributes: &Attributes) -> Result<Material> {
        let class = required_ulong(attributes, ck::CKA_CLASS)?;
        let key_type = required_ulong(attributes, ck::CKA_KEY_TYPE)?;
        match class {
            ck::CKO_SECRET_KEY => SecretType::find(key_type)?.material(attributes).map(Material::secret),
            ck::CKO_PUBLIC_KEY => {
                pair_type(key_type)?.public(attributes).map(|key| Material::Public(key.into()))
            }
            ck::CKO_PRIVATE_KEY => {
                pair_type(key_type)?.private(attributes).map(|key| Material::Private(key.into()))
            }
            _ => Err(Error::KeyTypeInconsistent),
        }
    }

    /// From the attributes that are no secret: a public key itself; for the others a key of the same type and size that everybody
    /// knows. An operation begun with it checks its parameters and tells its sizes as one begun with the key would; nothing else can be
    /// asked of it.
    pub fn stand_in(attributes: &Attributes) -> Result<Material> {
        let class = required_ulong(attributes, ck::CKA_CLASS)?;
        let key_type = required_ulong(attributes, ck::CKA_KEY_TYPE)?;
        match class {
            ck::CKO_SECRET_KEY => SecretType::find(key_type)?.stand_in(attributes).map(Material::secret),
            ck::CKO_PRIVATE_KEY => {
                pair_type(key_type)?.stand_in(attributes).map(|key| Material::Private(key.into()))
            }
            _ => Material::from_attributes(attributes),
        }
    }

    /// The key's size as mechanisms count it: bits of the RSA modulus or EC field, bytes of a secret or of the public
    /// half of a post-quantum key.
    pub fn size(&self) -> u64 {
        match self {
            Material::Secret(value) => value.len() as u64,
            Material::Public(key) => pair_size(key),
            Material::Private(key) => pair_size(key),
        }
    }
}

/// OpenSSL counts the bits of the order, the standard those of the field: they differ on Edwards and
/// Montgomery curves.
fn pair_size<T: HasPublic>(key: &PKeyRef<T>) -> u64 {
    match ParameterSet::of(key) {
        Some(set) => set.public as u64,
        None => Curve::alone_of(key.id()).map_or(u64::from(key.bits()), |curve| curve.bits),
    }
}

/// A type of key pairs: attributes to keys and back.
pub(super) trait PairType: Sync {
    /// A public key from its attributes.
    fn public(&self, attributes: &Attributes) -> Result<PKey<Public>>;
    /// A private key from its attributes, as many as there are.
    fn private(&self, attributes: &Attributes) -> Result<PKey<Private>>;
    /// A private key of the size that the attributes tell, which everybody knows.
    fn stand_in(&self, attributes: &Attributes) -> Result<PKey<Private>>;
    /// All attributes that are the public key.
    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes>;
    /// All attributes that are the private key. A key of another type is `KeyTypeInconsistent`.
    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes>;
}

/// The types of key pairs, by `CKK_` number.
static PAIR_TYPES: &[(u64, &dyn PairType)] = &[
    (ck::CKK_RSA, &rsa_key::RsaType),
    (ck::CKK_EC, &ec_key::EcType(ck::CKK_EC)),
    (ck::CKK_EC_EDWARDS, &ec_key::EcType(ck::CKK_EC_EDWARDS)),
    (ck::CKK_EC_MONTGOMERY, &ec_key::EcType(ck::CKK_EC_MONTGOMERY)),
    (ck::CKK_DH, &PrimeType::Dh),
    (ck::CKK_X9_42_DH, &PrimeType::X942),
    (ck::CKK_DSA, &PrimeType::Dsa),
    (ck::CKK_ML_DSA, &pqc_key::PqcType(ck::CKK_ML_DSA)),
    (ck::CKK_ML_KEM, &pqc_key::PqcType(ck::CKK_ML_KEM)),
    (ck::CKK_SLH_DSA, &pqc_key::PqcType(ck::CKK_SLH_DSA)),
];

/// The type of key pairs with that `CKK_` number.
pub(super) fn pair_type(key_type: u64) -> Result<&'static dyn PairType> {
    let found = PAIR_TYPES.iter().find(|(number, _)| *number == key_type);
    found.map(|(_, pair)| *pair).ok_or(Error::KeyTypeInconsistent)
}

/// How `CKA_CHECK_VALUE` is computed (section 4.10.2): what a cipher makes of a zero block, or what SHA-1
/// makes of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Aes,
    Aria,
    Camellia,
    Des,
    Sha1,
}

/// A type of secret keys.
pub(super) struct SecretType {
    /// `CKK_` number.
    key_type: u64,
    /// The lengths a key may have, ascending; empty: any but none.
    lengths: &'static [usize],
    /// Whether objects of the type have a `CKA_VALUE_LEN`.
    pub has_length: bool,
    /// Their check value.
    pub check: Check,
}

/// The types of secret keys.
static SECRET_TYPES: &[SecretType] = &[
    secret(ck::CKK_GENERIC_SECRET, &[], true, Check::Sha1),
    secret(ck::CKK_AES, &[16, 24, 32], true, Check::Aes),
    secret(ck::CKK_AES_XTS, &[32, 64], true, Check::Sha1),
    secret(ck::CKK_ARIA, &[16, 24, 32], true, Check::Aria),
    secret(ck::CKK_CAMELLIA, &[16, 24, 32], true, Check::Camellia),
    secret(ck::CKK_CHACHA20, &[32], true, Check::Sha1),
    secret(ck::CKK_POLY1305, &[32], true, Check::Sha1),
    secret(ck::CKK_DES, &[8], false, Check::Des),
    secret(ck::CKK_DES2, &[16], false, Check::Des),
    secret(ck::CKK_DES3, &[24], false, Check::Des),
    secret(ck::CKK_SHA_1_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA224_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA256_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA384_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA512_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA512_224_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA512_256_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA3_224_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA3_256_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA3_384_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_SHA3_512_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_BLAKE2B_512_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_MD5_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_RIPEMD160_HMAC, &[], true, Check::Sha1),
    secret(ck::CKK_HKDF, &[], true, Check::Sha1),
];

const fn secret(key_type: u64, lengths: &'static [usize], has_length: bool, check: Check) -> SecretType {
    SecretType { key_type, lengths, has_length, check }
}

impl SecretType {
    /// The type of secret keys with that `CKK_` number.
    pub fn find(key_type: u64) -> Result<&'static SecretType> {
        let found = SECRET_TYPES.iter().find(|row| row.key_type == key_type);
        found.ok_or(Error::KeyTypeInconsistent)
    }

    /// Whether a key of this type may have so many bytes.
    pub fn allows(&self, length: usize) -> bool {
        if self.lengths.is_empty() { length > 0 } else { self.lengths.contains(&length) }
    }

    /// The length of all keys of this type, if they have but one.
    pub fn only_length(&self) -> Option<usize> {
        if let [only] = self.lengths { Some(*only) } else { None }
    }

    /// The longest key of this type that can be cut from so many bytes.
    pub fn longest_within(&self, available: usize) -> Option<usize> {
        if self.lengths.is_empty() {
            return (available > 0).then_some(available);
        }
        self.lengths.iter().rev().find(|length| **length <= available).copied()
    }

    fn material(&self, attributes: &Attributes) -> Result<Bytes> {
        let value = required(attributes, ck::CKA_VALUE)?;
        if self.allows(value.len()) { Ok(value.into()) } else { Err(Error::AttributeValueInvalid) }
    }

    fn stand_in(&self, attributes: &Attributes) -> Result<Bytes> {
        let length = match self.only_length() {
            Some(only) => only,
            None => required_ulong(attributes, ck::CKA_VALUE_LEN)?.min(STAND_IN_MAX) as usize,
        };
        if !self.allows(length) {
            return Err(Error::AttributeValueInvalid);
        }
        // Not all the same: XTS takes no key whose halves are.
        Ok(Bytes::new((0..length).map(|at| at as u8).collect()))
    }
}

/// Longest secret that is stood in for: its length decides nothing beyond.
const STAND_IN_MAX: u64 = 1 << 20;

/// A byte attribute that must be there: `TemplateIncomplete` if not.
pub(super) fn required(attributes: &Attributes, kind: u64) -> Result<&[u8]> {
    attributes.bytes(kind).ok_or(Error::TemplateIncomplete)
}

fn required_ulong(attributes: &Attributes, kind: u64) -> Result<u64> {
    attributes.ulong(kind).ok_or(Error::TemplateIncomplete)
}

#[cfg(test)]
mod tests {
    use super::super::curves::CURVES;
    use super::super::pair_testing::{curve, object, rsa};
    use super::super::{Key, Mechanism, Params, registry};
    use super::*;
    use crate::attribute::Value;
    use crate::object::schema;

    /// What is known of a key without its secrets.
    fn known(key: &Attributes) -> Attributes {
        let class = key.ulong(ck::CKA_CLASS).unwrap();
        key.clone().partition(|kind| !schema::is_secret(class, kind)).0
    }

    fn signature_size(id: u64, attributes: &Attributes, material: &Material) -> usize {
        let mechanism = Mechanism { row: registry::find(id).unwrap(), params: Params::None };
        mechanism.row.family.sign(Key { attributes, material }, &mechanism.params).unwrap().size()
    }

    fn check(key: &Attributes, signing: Option<u64>) {
        let (real, stand_in) =
            (Material::from_attributes(key).unwrap(), Material::stand_in(&known(key)).unwrap());
        assert_eq!(real.size(), stand_in.size());
        if let Some(id) = signing {
            assert_eq!(signature_size(id, key, &real), signature_size(id, key, &stand_in));
        }
        assert!(Material::from_attributes(&known(key)).is_err(), "the key itself is known");
    }

    #[test]
    fn a_stand_in_takes_no_secret_and_has_the_sizes_of_the_key() {
        check(&rsa().1, Some(ck::CKM_SHA256_RSA_PKCS));
        for one in CURVES {
            let signing = match one.key_type {
                ck::CKK_EC => Some(ck::CKM_ECDSA),
                ck::CKK_EC_EDWARDS => Some(ck::CKM_EDDSA),
                _ => None,
            };
            check(&curve(one.key_type, one.oid).1, signing);
        }
        let secret = |key_type, length: usize| {
            let value = Value::from(vec![3u8; length]);
            let length = Value::Ulong(length as u64);
            object(ck::CKO_SECRET_KEY, key_type, [(ck::CKA_VALUE, value), (ck::CKA_VALUE_LEN, length)])
        };
        check(&secret(ck::CKK_AES, 24), Some(ck::CKM_AES_CMAC));
        check(&secret(ck::CKK_DES3, 24), None);
        check(&secret(ck::CKK_AES_XTS, 64), None);
        check(&secret(ck::CKK_GENERIC_SECRET, 77), Some(ck::CKM_SHA384_HMAC));
    }

    #[test]
    fn a_stand_in_begins_whatever_its_mechanism_asks_of_a_key() {
        let length = (ck::CKA_VALUE_LEN, Value::Ulong(64));
        let known = object(ck::CKO_SECRET_KEY, ck::CKK_AES_XTS, [length]);
        let material = Material::stand_in(&known).unwrap();
        let family = registry::find(ck::CKM_AES_XTS).unwrap().family;
        let key = Key { attributes: &known, material: &material };
        assert!(family.encrypt(key, &Params::Iv(vec![0; 16].into())).is_ok());
    }

    #[test]
    fn a_public_key_is_its_own_stand_in() {
        let stand_in = Material::stand_in(&rsa().0).unwrap();
        let (Material::Public(one), Material::Public(other)) =
            (stand_in, Material::from_attributes(&rsa().0).unwrap())
        else {
            panic!("not public")
        };
        assert!(one.public_eq(&other));
    }

    #[test]
    fn the_schema_lets_no_secret_have_a_length_that_no_key_of_its_type_has() {
        let forms = schema::FORMS.iter().filter(|form| form.class.number == ck::CKO_SECRET_KEY);
        for form in forms {
            let row = SecretType::find(form.subtype.unwrap()).unwrap();
            let wrong = (0..=100).find(|length| form.lengths.allow(*length) && !row.allows(*length as usize));
            assert_eq!(wrong, None, "{}", form.name);
        }
    }

    #[test]
    fn a_length_that_nobody_has_room_for_is_not_stood_in_for() {
        let known =
            object(ck::CKO_SECRET_KEY, ck::CKK_GENERIC_SECRET, [(ck::CKA_VALUE_LEN, Value::Ulong(u64::MAX))]);
        assert_eq!(Material::stand_in(&known).unwrap().size(), STAND_IN_MAX);
    }
}
