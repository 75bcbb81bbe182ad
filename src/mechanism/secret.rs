//! Secret keys made of random bytes, and the values of derived ones.

use super::material::SecretType;
use super::{Family, Params, Wanted};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::kdf::AgreementKdf;
use crate::crypto::random_secret;
use crate::error::{Error, Result};
use cryptoki_sys as ck;

/// The longest secret that is generated, in bytes.
pub const MAX_LENGTH: u64 = 4096;

/// Which lengths a generated key may have, in bytes.
pub enum Lengths {
    /// Any up to so many, as `CKA_VALUE_LEN` says.
    UpTo(u64),
    /// One of these, as `CKA_VALUE_LEN` says.
    OneOf(&'static [u64]),
    /// Just so many; the template needs no `CKA_VALUE_LEN`.
    Fixed(u64),
}

/// Makes secret keys.
pub struct Generator {
    /// Of which lengths.
    pub lengths: Lengths,
}

impl Family for Generator {
    fn generate(&self, _params: &Params, template: &Attributes) -> Result<Attributes> {
        let length = self.lengths.choose(template.ulong(ck::CKA_VALUE_LEN))?;
        let mut value = Bytes::zeroed(length as usize);
        random_secret(&mut value)?;
        if let Some(key_type) = template.ulong(ck::CKA_KEY_TYPE) {
            adjust_parity(key_type, &mut value);
        }
        Ok([(ck::CKA_VALUE, value)].into_iter().collect())
    }
}

impl Lengths {
    /// The length of the new key, given that of its template.
    fn choose(&self, wanted: Option<u64>) -> Result<u64> {
        let (length, fits) = match (self, wanted) {
            (Lengths::Fixed(length), None) => (*length, true),
            (Lengths::Fixed(length), Some(wanted)) => (*length, wanted == *length),
            (Lengths::UpTo(_) | Lengths::OneOf(_), None) => return Err(Error::TemplateIncomplete),
            (Lengths::UpTo(most), Some(wanted)) => (wanted, (1..=*most).contains(&wanted)),
            (Lengths::OneOf(lengths), Some(wanted)) => (wanted, lengths.contains(&wanted)),
        };
        if fits { Ok(length) } else { Err(Error::AttributeValueInvalid) }
    }
}

/// Random bytes for the key that is wanted, whose length its type or template must tell.
pub fn random_value(wanted: Wanted) -> Result<Bytes> {
    let mut value = Bytes::zeroed(wanted_length(wanted)?);
    random_secret(&mut value)?;
    adjust_parity(wanted.key_type, &mut value);
    Ok(value)
}

/// Cuts derived bytes to the key that is wanted: its first bytes, with DES keys' parity set. Too few bytes are
/// `MechanismParamInvalid`, for it is the parameter that they come from.
pub fn fit(mut derived: Bytes, wanted: Wanted) -> Result<Bytes> {
    let length = wanted.length.unwrap_or(derived.len());
    if derived.len() < length {
        return Err(Error::MechanismParamInvalid);
    }
    derived.truncate(length);
    adjust_parity(wanted.key_type, &mut derived);
    Ok(derived)
}

/// The key that comes from what two sides have agreed on: by a derivation function, with what both share for it, or without one its end.
pub fn of_agreement(
    agreed: Bytes,
    (kdf, shared): (Option<AgreementKdf>, &[u8]),
    wanted: Wanted,
) -> Result<Bytes> {
    let Some(kdf) = kdf else { return wanted.end_of(agreed) };
    let mut derived = Bytes::zeroed(wanted_length(wanted)?);
    kdf.run(&agreed, shared, &mut derived)?;
    fit(derived, wanted)
}

/// How much a derivation function is to yield, which has no end of its own: what the template or the type says, as
/// long as a generated key may be; any other length is `TemplateInconsistent`.
pub fn wanted_length(wanted: Wanted) -> Result<usize> {
    let fixed = || SecretType::find(wanted.key_type).ok()?.only_length();
    let length = wanted.length.or_else(fixed).ok_or(Error::TemplateIncomplete)?;
    let sensible = (1..=MAX_LENGTH).contains(&(length as u64));
    if sensible { Ok(length) } else { Err(Error::TemplateInconsistent) }
}

/// The key types whose bytes carry a bit of odd parity each (FIPS 46-3).
const WITH_PARITY: [u64; 3] = [ck::CKK_DES, ck::CKK_DES2, ck::CKK_DES3];

/// Sets the parity of a DES key; keys of other types (`CKK_`) are left alone.
pub fn adjust_parity(key_type: u64, value: &mut [u8]) {
    if WITH_PARITY.contains(&key_type) {
        for byte in value {
            let ones = (*byte >> 1).count_ones() as u8;
            *byte = (*byte & 0xfe) | (!ones & 1);
        }
    }
}

/// Whether a key's parity is right, as that of a DES key must be that comes from outside (section 6.18); keys of other types have none.
pub fn has_parity(key_type: u64, value: &[u8]) -> bool {
    !WITH_PARITY.contains(&key_type) || value.iter().all(|byte| byte.count_ones() % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generate(lengths: Lengths, template: &[(u64, u64)]) -> Result<Attributes> {
        Generator { lengths }.generate(&Params::None, &template.iter().copied().collect())
    }

    #[test]
    fn a_generated_key_has_the_length_that_its_template_asks_for() {
        let made = generate(Lengths::OneOf(&[16, 24, 32]), &[(ck::CKA_VALUE_LEN, 24)]).unwrap();
        assert_eq!(made.bytes(ck::CKA_VALUE).unwrap().len(), 24);
        let again = generate(Lengths::OneOf(&[16, 24, 32]), &[(ck::CKA_VALUE_LEN, 24)]).unwrap();
        assert_ne!(made.bytes(ck::CKA_VALUE), again.bytes(ck::CKA_VALUE));
        for length in [1, 4096] {
            let made = generate(Lengths::UpTo(4096), &[(ck::CKA_VALUE_LEN, length)]).unwrap();
            assert_eq!(made.bytes(ck::CKA_VALUE).unwrap().len() as u64, length);
        }
    }

    #[test]
    fn a_length_that_is_missing_or_cannot_be_is_refused() {
        assert_eq!(generate(Lengths::OneOf(&[16]), &[]), Err(Error::TemplateIncomplete));
        assert_eq!(generate(Lengths::UpTo(9), &[]), Err(Error::TemplateIncomplete));
        for (lengths, wanted) in [
            (Lengths::OneOf(&[16, 24, 32]), 17),
            (Lengths::UpTo(4096), 0),
            (Lengths::UpTo(4096), 4097),
            (Lengths::UpTo(4096), u64::MAX),
            (Lengths::Fixed(24), 16),
        ] {
            assert_eq!(generate(lengths, &[(ck::CKA_VALUE_LEN, wanted)]), Err(Error::AttributeValueInvalid));
        }
    }

    #[test]
    fn des_keys_have_odd_parity() {
        let made = generate(Lengths::Fixed(24), &[(ck::CKA_KEY_TYPE, ck::CKK_DES3)]).unwrap();
        let value = made.bytes(ck::CKA_VALUE).unwrap();
        assert_eq!(value.len(), 24);
        assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1));
        assert!(!made.contains(ck::CKA_VALUE_LEN));
    }

    #[test]
    fn derived_bytes_are_cut_at_the_end() {
        let derived = || Bytes::from(&[0, 1, 2, 3, 0xfe][..]);
        let fitted = |key_type, length| fit(derived(), Wanted { key_type, length });
        assert_eq!(fitted(ck::CKK_AES, Some(2)).unwrap()[..], [0, 1]);
        assert_eq!(fitted(ck::CKK_GENERIC_SECRET, None).unwrap()[..], [0, 1, 2, 3, 0xfe]);
        assert_eq!(fitted(ck::CKK_DES, None).unwrap()[..], [1, 1, 2, 2, 0xfe]);
        assert_eq!(fitted(ck::CKK_AES, Some(6)), Err(Error::MechanismParamInvalid));
    }
}
