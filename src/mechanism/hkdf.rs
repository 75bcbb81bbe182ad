//! HKDF, its keys, and PBKDF2 (PKCS#11 3.2, sections 6.37 and 6.62).

use super::kdf_params::Salt;
use super::material::SecretType;
use super::secret::wanted_length;
use super::{Derived, Family, Key, Params, Wanted, secret};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::kdf;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use std::borrow::Cow;

/// `CKM_HKDF_DERIVE`.
pub static HKDF: Hkdf = Hkdf { makes_data: false };
/// `CKM_HKDF_DATA`.
pub static HKDF_DATA: Hkdf = Hkdf { makes_data: true };

/// HKDF, to a key or to a data object.
pub struct Hkdf {
    makes_data: bool,
}

impl Family for Hkdf {
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        let (Params::Hkdf(choice), Some((base, others)), [wanted]) = (params, keys.split_first(), wanted)
        else {
            return Err(Error::MechanismParamInvalid);
        };
        let salt = match (&choice.salt, others) {
            (Salt::Zeros, []) => &[][..],
            (Salt::Data(salt), []) => salt,
            (Salt::Key(_), [salt]) => salt.secret()?,
            _ => return Err(Error::MechanismParamInvalid),
        };
        let mut key = Bytes::from(base.secret()?);
        if choice.extract {
            let mut extracted = Bytes::zeroed(choice.hash.size());
            kdf::hkdf_extract(choice.hash, salt, &key, &mut extracted)?;
            key = extracted;
        }
        let value = match (choice.extract, choice.expand) {
            (false, false) => return Err(Error::MechanismParamInvalid),
            (true, false) if wanted.length.is_some_and(|length| length != key.len()) => {
                return Err(Error::TemplateInconsistent);
            }
            (true, false) => key,
            (_, true) => {
                let length = wanted_length(*wanted)?;
                // RFC 5869, section 2.3.
                if length > 255 * choice.hash.size() {
                    return Err(Error::TemplateInconsistent);
                }
                let mut expanded = Bytes::zeroed(length);
                kdf::hkdf_expand(choice.hash, &key, &choice.info, &mut expanded)?;
                expanded
            }
        };
        Ok(Derived { values: vec![secret::fit(value, *wanted)?], told: vec![] })
    }

    fn plan<'a>(&self, _params: &Params, templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        let [template] = templates else { return Err(Error::MechanismParamInvalid) };
        match template.ulong(ck::CKA_CLASS) {
            None if self.makes_data => {
                let mut data = template.copy_with_room(1);
                data.set(ck::CKA_CLASS, ck::CKO_DATA);
                Ok(vec![data].into())
            }
            Some(class) if self.makes_data && class != ck::CKO_DATA => Err(Error::TemplateInconsistent),
            _ => Ok(templates.into()),
        }
    }
}

/// `CKM_PKCS5_PBKD2`: makes a key of any secret type from a password.
pub struct Pbkdf2;

/// Iterations for all of a key together that nobody waits for: a number in a parameter must not stop a node.
const MAX_ITERATIONS: u64 = 100_000_000;

impl Family for Pbkdf2 {
    fn generate(&self, params: &Params, template: &Attributes) -> Result<Attributes> {
        let Params::Pbkdf2(choice) = params else { return Err(Error::MechanismParamInvalid) };
        let key_type = template.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
        let length = template.ulong(ck::CKA_VALUE_LEN).map(usize::try_from).transpose();
        let wanted = Wanted { key_type, length: length.map_err(|_| Error::AttributeValueInvalid)? };
        let mut value = Bytes::zeroed(wanted_length(wanted)?);
        let row = SecretType::find(key_type)?;
        if !row.allows(value.len()) {
            return Err(Error::AttributeValueInvalid);
        }
        let blocks = value.len().div_ceil(choice.hash.size()) as u64;
        if !(1..=MAX_ITERATIONS / blocks).contains(&u64::from(choice.iterations)) {
            return Err(Error::MechanismParamInvalid);
        }
        kdf::pbkdf2(choice.hash, &choice.password, &choice.salt, choice.iterations, &mut value)?;
        let value = secret::fit(value, wanted)?;
        let mut made = Attributes::new();
        if row.has_length {
            made.set(ck::CKA_VALUE_LEN, value.len() as u64);
        }
        made.set(ck::CKA_VALUE, value);
        Ok(made)
    }
}
