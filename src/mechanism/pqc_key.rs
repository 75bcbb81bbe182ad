//! Keys of ML-DSA, ML-KEM and SLH-DSA: attributes to keys and back, and new pairs (PKCS#11 3.2, sections 6.67 to
//! 6.69).

use super::material::{PairType, pair_type, public_half, required};
use super::parameter_set::ParameterSet;
use super::{Family, Params};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::ffi::named_key;
use crate::crypto::unexpected;
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
    fn generate_pair(
        &self,
        _params: &Params,
        public: &Attributes,
        _private: &Attributes,
    ) -> Result<(Attributes, Attributes)> {
        let set = ParameterSet::named(self.0, public)?;
        let pair = pair_type(self.0)?;
        let key = named_key::generate(set.name).map_err(unexpected)?;
        Ok((pair.public_parts(&*public_half(&key)?)?, pair.private_parts(&key)?))
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
