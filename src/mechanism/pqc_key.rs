//! Keys of ML-DSA, ML-KEM and SLH-DSA: attributes to keys and back, and new pairs (PKCS#11 3.2, sections 6.67 to
//! 6.69).

use super::material::{PairType, required};
use super::parameter_set::ParameterSet;
use super::{Family, NewPair, Params, pqc_pair};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::ffi::named_key;
use crate::crypto::{generator, unexpected};
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::{PKey, PKeyRef, Private, Public};

/// Key pairs whose keys have this `CKK_` number.
pub(super) struct PqcType(pub u64);

/// Key pair generation for keys with this `CKK_` number.
pub struct KeyPairGeneration(pub u64);

impl PairType for PqcType {
    fn public(&self, attributes: &Attributes) -> Result<PKey<Public>> {
        let set = ParameterSet::named(self.0, attributes)?;
        let value = of_length(required(attributes, ck::CKA_VALUE)?, set.public)?;
        named_key::public_key(set.name, value).map_err(|_| Error::PublicKeyInvalid)
    }

    /// From `CKA_SEED`, `CKA_VALUE` or both, which must agree.
    fn private(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let set = ParameterSet::named(self.0, attributes)?;
        let (seed, value) = (attributes.bytes(ck::CKA_SEED), attributes.bytes(ck::CKA_VALUE));
        let seed = match (seed, set.seed) {
            (Some(seed), Some(length)) => Some(of_length(seed, length)?),
            (Some(_), None) => return Err(Error::AttributeValueInvalid),
            (None, _) => None,
        };
        let value = value.map(|value| of_length(value, set.private)).transpose()?;
        if seed.is_none() && value.is_none() {
            return Err(Error::TemplateIncomplete);
        }
        let key = named_key::private_key(set.name, seed, value).map_err(|_| Error::AttributeValueInvalid)?;
        // Where there are seeds OpenSSL has computed the public half; an SLH-DSA key brings its own.
        if set.seed.is_none() && !named_key::is_consistent(&key) {
            return Err(Error::AttributeValueInvalid);
        }
        Ok(key)
    }

    /// From a seed of zeros, or of zeros altogether, which is no pair but has the sizes of one.
    fn stand_in(&self, attributes: &Attributes) -> Result<PKey<Private>> {
        let set = ParameterSet::named(self.0, attributes)?;
        let seed = set.seed.map(|length| vec![0; length]);
        let value = if seed.is_none() { Some(vec![0; set.private]) } else { None };
        named_key::private_key(set.name, seed.as_deref(), value.as_deref()).map_err(unexpected)
    }

    fn public_parts(&self, key: &PKeyRef<Public>) -> Result<Attributes> {
        let set = self.set_of(key)?;
        let value = named_key::public_encoding(key, set.public).map_err(unexpected)?;
        Ok(parts(set, value))
    }

    fn private_parts(&self, key: &PKeyRef<Private>) -> Result<Attributes> {
        let set = self.set_of(key)?;
        let value = named_key::private_encoding(key, set.private).map_err(unexpected)?;
        let mut parts = parts(set, value);
        if let Some(seed) = set.seed.and_then(|length| named_key::seed(key, length)) {
            parts.set(ck::CKA_SEED, seed);
        }
        Ok(parts)
    }
}

impl PqcType {
    fn set_of<T>(&self, key: &PKeyRef<T>) -> Result<&'static ParameterSet> {
        let set = ParameterSet::of(key).filter(|set| set.key_type == self.0);
        set.ok_or(Error::KeyTypeInconsistent)
    }
}

impl Family for KeyPairGeneration {
    fn generate_pair(&self, _params: &Params, public: &Attributes, _private: &Attributes) -> Result<NewPair> {
        let set = ParameterSet::named(self.0, public)?;
        let key = generator::generate(set.name).map_err(unexpected)?;
        Ok(pqc_pair::kept(set, key))
    }
}

fn parts(set: &ParameterSet, value: Bytes) -> Attributes {
    let mut parts = Attributes::from_iter([(ck::CKA_PARAMETER_SET, set.number)]);
    parts.set(ck::CKA_VALUE, value);
    parts
}

fn of_length(value: &[u8], length: usize) -> Result<&[u8]> {
    if value.len() == length { Ok(value) } else { Err(Error::AttributeValueInvalid) }
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{object, pair, pqc};
    use super::super::parameter_set::PARAMETER_SETS;
    use super::super::{Material, encoding};
    use super::*;
    use crate::attribute::Value;
    use std::sync::OnceLock;

    /// A pair of each parameter set, made once.
    fn pairs() -> &'static [(&'static ParameterSet, Attributes, Attributes)] {
        static PAIRS: OnceLock<Vec<(&ParameterSet, Attributes, Attributes)>> = OnceLock::new();
        PAIRS.get_or_init(|| {
            let make = |set: &'static ParameterSet| {
                let (public, private) = pqc(set.key_type, set.number);
                (set, public, private)
            };
            PARAMETER_SETS.iter().map(make).collect()
        })
    }

    fn refusal(key: &Attributes) -> Error {
        match Material::from_attributes(key) {
            Ok(_) => panic!("taken"),
            Err(refusal) => refusal,
        }
    }

    fn without(key: &Attributes, kind: u64) -> Attributes {
        let mut key = key.clone();
        key.remove(kind);
        key
    }

    /// `key` with one bit of an attribute turned.
    fn altered(key: &Attributes, kind: u64, at: usize) -> Attributes {
        let mut key = key.clone();
        let mut value = key.bytes(kind).unwrap().to_vec();
        value[at] ^= 1;
        key.set(kind, value);
        key
    }

    #[test]
    fn both_halves_belong_together_and_tell_their_size() {
        for (set, public, private) in pairs() {
            let (one, other) =
                (Material::from_attributes(public).unwrap(), Material::from_attributes(private).unwrap());
            assert_eq!((one.size(), other.size()), (set.public as u64, set.public as u64));
            let info = encoding::public_key_info(public);
            assert!(info.is_some() && info == encoding::public_key_info(private), "{:?}", set.name);
        }
    }

    #[test]
    fn a_private_key_comes_from_its_seed_its_value_or_both() {
        for (set, public, private) in pairs().iter().filter(|(set, ..)| set.seed.is_some()) {
            let info = encoding::public_key_info(public).unwrap();
            for (kind, seeded) in [(ck::CKA_SEED, false), (ck::CKA_VALUE, true)] {
                let mut half = without(private, kind);
                assert_eq!(encoding::public_key_info(&half).as_ref(), Some(&info));
                encoding::complete(&mut half).unwrap();
                assert_eq!(half.contains(ck::CKA_SEED), seeded, "{:?}", set.name);
                assert_eq!(half.bytes(ck::CKA_VALUE), private.bytes(ck::CKA_VALUE));
            }
            let neither = without(&without(private, ck::CKA_SEED), ck::CKA_VALUE);
            assert_eq!(refusal(&neither), Error::TemplateIncomplete);
        }
    }

    #[test]
    fn a_seed_and_a_value_that_disagree_are_refused() {
        for (set, _, private) in pairs().iter().filter(|(set, ..)| set.seed.is_some()) {
            assert_eq!(refusal(&altered(private, ck::CKA_SEED, 5)), Error::AttributeValueInvalid);
            for at in [0, set.private / 2, set.private - 1] {
                assert_eq!(
                    refusal(&altered(private, ck::CKA_VALUE, at)),
                    Error::AttributeValueInvalid,
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn an_slh_dsa_key_whose_halves_disagree_is_refused() {
        for (set, _, private) in pairs().iter().filter(|(set, ..)| set.seed.is_none()) {
            for at in [0, set.private / 2, set.private - 1] {
                assert_eq!(
                    refusal(&altered(private, ck::CKA_VALUE, at)),
                    Error::AttributeValueInvalid,
                    "{at}"
                );
            }
            let mut seeded = private.clone();
            seeded.set(ck::CKA_SEED, vec![1; 32]);
            assert_eq!(refusal(&seeded), Error::AttributeValueInvalid);
        }
    }

    #[test]
    fn values_of_a_wrong_length_or_of_no_key_are_refused() {
        for (set, public, private) in pairs() {
            for length in [0, set.public - 1, set.public + 1] {
                let mut key = public.clone();
                key.set(ck::CKA_VALUE, vec![1; length]);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid);
            }
            for length in [0, set.private - 1, set.private + 1] {
                let mut key = without(private, ck::CKA_SEED);
                key.set(ck::CKA_VALUE, vec![1; length]);
                assert_eq!(refusal(&key), Error::AttributeValueInvalid);
            }
        }
        let mut beyond =
            object(ck::CKO_PUBLIC_KEY, ck::CKK_ML_KEM, [(ck::CKA_PARAMETER_SET, Value::Ulong(1))]);
        beyond.set(ck::CKA_VALUE, vec![0xff; 800]);
        assert_eq!(refusal(&beyond), Error::PublicKeyInvalid, "coefficients beyond the modulus");
    }

    #[test]
    fn parameter_sets_that_there_are_not_are_refused() {
        for id in [ck::CKM_ML_DSA_KEY_PAIR_GEN, ck::CKM_ML_KEM_KEY_PAIR_GEN, ck::CKM_SLH_DSA_KEY_PAIR_GEN] {
            for number in [0, 13, u64::MAX] {
                let made = pair(id, &[(ck::CKA_PARAMETER_SET, Value::Ulong(number))]);
                assert_eq!(made.unwrap_err(), Error::ParameterSetNotSupported);
            }
        }
    }

    #[test]
    fn keys_survive_wrapping_in_every_form_that_openssl_reads() {
        for (set, _, private) in pairs() {
            let private = &without(private, ck::CKA_PUBLIC_KEY_INFO);
            let encoded = encoding::encode(private).unwrap();
            assert!(PKey::private_key_from_pkcs8(&encoded).is_ok());
            let decode = |key_type, encoded: &[u8]| encoding::decode(ck::CKO_PRIVATE_KEY, key_type, encoded);
            let mut decoded = decode(set.key_type, &encoded).unwrap();
            decoded.set(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY);
            decoded.set(ck::CKA_KEY_TYPE, set.key_type);
            assert_eq!(decoded, *private);
            for other in [ck::CKK_ML_DSA, ck::CKK_ML_KEM, ck::CKK_SLH_DSA, ck::CKK_EC] {
                if other != set.key_type {
                    assert_eq!(decode(other, &encoded), Err(Error::WrappedKeyInvalid));
                }
            }
            if set.seed.is_some() {
                // The value alone, as a key is wrapped that came without its seed.
                let encoded = encoding::encode(&without(private, ck::CKA_SEED)).unwrap();
                let decoded = decode(set.key_type, &encoded).unwrap();
                assert_eq!(decoded.bytes(ck::CKA_VALUE), private.bytes(ck::CKA_VALUE));
                assert!(!decoded.contains(ck::CKA_SEED));
            }
        }
    }

    #[test]
    fn a_stand_in_takes_no_secret_and_has_the_size_of_the_key() {
        for (set, _, private) in pairs() {
            let known = without(&without(private, ck::CKA_SEED), ck::CKA_VALUE);
            let stand_in = Material::stand_in(&known).unwrap();
            assert_eq!(stand_in.size(), set.public as u64);
            let Material::Private(key) = stand_in else { panic!("no private key") };
            assert!(std::ptr::eq(ParameterSet::of(&key).unwrap(), *set));
        }
    }
}
