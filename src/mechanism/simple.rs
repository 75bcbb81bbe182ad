//! Simple derivations: keys put together, cut out of others, or digested (PKCS#11 3.2, sections 6.21 and 6.43).

use super::{Derived, Family, Heritage, Key, Params, Wanted, secret};
use crate::attribute::Bytes;
use crate::crypto::Hash;
use crate::crypto::digest::{self, Digest, Shake};
use crate::error::{Error, Result};

/// `CKM_CONCATENATE_BASE_AND_KEY`.
pub struct BaseAndKey;

/// A key made of the base key and data.
pub struct WithData(fn(base: &[u8], data: &[u8]) -> Bytes);

/// `CKM_CONCATENATE_BASE_AND_DATA`.
pub static BASE_AND_DATA: WithData = WithData(concatenated);
/// `CKM_CONCATENATE_DATA_AND_BASE`.
pub static DATA_AND_BASE: WithData = WithData(|base, data| concatenated(data, base));
/// `CKM_XOR_BASE_AND_DATA`: as long as the shorter of them.
pub static XOR_BASE_AND_DATA: WithData =
    WithData(|base, data| Bytes::new(base.iter().zip(data).map(|(one, other)| one ^ other).collect()));

/// `CKM_EXTRACT_KEY_FROM_KEY`.
pub struct Extract;

/// A key that is the digest of another.
pub struct Digested(pub Hash);

/// The same with BLAKE2b of so many bytes.
pub struct Blake2bDigested(pub usize);

/// The same with SHAKE, as long as wanted; else so many bytes, which bring all the strength there is.
pub struct ShakeDigested(pub Shake, pub usize);

fn concatenated(first: &[u8], second: &[u8]) -> Bytes {
    let mut both = Bytes::zeroed(first.len() + second.len());
    both[..first.len()].copy_from_slice(first);
    both[first.len()..].copy_from_slice(second);
    both
}

/// Cuts to what is wanted; what is too short is the template's fault.
fn cut(value: Bytes, wanted: Wanted) -> Result<Bytes> {
    secret::fit(value, wanted).map_err(|_| Error::TemplateInconsistent)
}

impl Family for BaseAndKey {
    fn derive_all(&self, keys: &[Key<'_>], _params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        let ([base, other], [wanted]) = (keys, wanted) else { return Err(Error::MechanismParamInvalid) };
        let value = concatenated(base.secret()?, other.secret()?);
        Ok(Derived { values: vec![cut(value, *wanted)?], told: vec![] })
    }

    fn heritage(&self) -> Heritage {
        Heritage::Closed
    }
}

impl Family for WithData {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let Params::StringData(data) = params else { return Err(Error::MechanismParamInvalid) };
        cut((self.0)(base.secret()?, data), wanted)
    }

    fn heritage(&self) -> Heritage {
        Heritage::Closed
    }
}

impl Family for Extract {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let Params::Bit(first) = params else { return Err(Error::MechanismParamInvalid) };
        let base = base.secret()?;
        let first = usize::try_from(*first).map_err(|_| Error::MechanismParamInvalid)?;
        let (byte, bit) = (first / 8, first % 8);
        if byte >= base.len() {
            return Err(Error::MechanismParamInvalid);
        }
        let length = wanted.length.ok_or(Error::TemplateIncomplete)?;
        if length > base.len() {
            return Err(Error::TemplateInconsistent);
        }
        // The key's bits go round.
        let at = |index: usize| u16::from(base[index % base.len()]);
        let shifted = |index: usize| (at(byte + index) << 8 | at(byte + index + 1)) >> (8 - bit);
        let value = (0..length).map(|index| shifted(index) as u8).collect();
        cut(Bytes::new(value), wanted)
    }

    fn heritage(&self) -> Heritage {
        Heritage::Closed
    }
}

impl Family for Digested {
    fn derive(&self, base: Key<'_>, _params: &Params, wanted: Wanted) -> Result<Bytes> {
        let mut value = Bytes::zeroed(self.0.size());
        let mut digest = Digest::new(self.0)?;
        digest.update(base.secret()?)?;
        digest.finish(&mut value)?;
        cut(value, wanted)
    }
}

impl Family for Blake2bDigested {
    fn derive(&self, base: Key<'_>, _params: &Params, wanted: Wanted) -> Result<Bytes> {
        let mut value = Bytes::zeroed(self.0);
        let mut digest = Digest::blake2b(self.0)?;
        digest.update(base.secret()?)?;
        digest.finish(&mut value)?;
        cut(value, wanted)
    }
}

impl Family for ShakeDigested {
    fn derive(&self, base: Key<'_>, _params: &Params, wanted: Wanted) -> Result<Bytes> {
        let length = secret::wanted_length(Wanted { length: wanted.length.or(Some(self.1)), ..wanted })?;
        let mut value = Bytes::zeroed(length);
        digest::shake(self.0, base.secret()?, &mut value)?;
        cut(value, wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::registry;
    use crate::mechanism::testing::{Secret, hex};
    use cryptoki_sys as ck;

    fn derive(id: u64, key: &[u8], params: Params, length: Option<usize>) -> Result<Vec<u8>> {
        let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length };
        let family = registry::find(id).unwrap().family;
        let mut derived = family.derive_all(&[Secret::new(key).key()], &params, &[wanted])?;
        Ok(derived.values.remove(0).to_vec())
    }

    /// The standard's own examples (section 6.43).
    #[test]
    fn known_combinations() {
        let (base, data) = (hex("01234567"), || Params::StringData(hex("89abcdef")));
        for (id, expected) in [
            (ck::CKM_CONCATENATE_BASE_AND_DATA, "0123456789abcdef"),
            (ck::CKM_CONCATENATE_DATA_AND_BASE, "89abcdef01234567"),
            (ck::CKM_XOR_BASE_AND_DATA, "88888888"),
        ] {
            assert_eq!(derive(id, &base, data(), None), Ok(hex(expected)));
            assert_eq!(derive(id, &base, data(), Some(3)), Ok(hex(&expected[..6])));
            assert_eq!(derive(id, &base, data(), Some(9)), Err(Error::TemplateInconsistent));
        }
        let (one, other) = (Secret::new(&base), Secret::new(&hex("89abcdef")));
        let wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };
        let derived = BaseAndKey.derive_all(&[one.key(), other.key()], &Params::Key(7), &[wanted]).unwrap();
        assert_eq!(derived.values[0][..], hex("0123456789abcdef"));
    }

    /// The standard's own example, and what goes round the end.
    #[test]
    fn known_extraction() {
        let extract =
            |bit, length| derive(ck::CKM_EXTRACT_KEY_FROM_KEY, &hex("329f84a9"), Params::Bit(bit), length);
        assert_eq!(extract(21, Some(2)), Ok(hex("9526")));
        assert_eq!(extract(0, Some(4)), Ok(hex("329f84a9")));
        assert_eq!(extract(8, Some(4)), Ok(hex("9f84a932")));
        assert_eq!(extract(32, Some(1)), Err(Error::MechanismParamInvalid));
        assert_eq!(extract(u64::MAX, Some(1)), Err(Error::MechanismParamInvalid));
        assert_eq!(extract(0, Some(5)), Err(Error::TemplateInconsistent));
        assert_eq!(extract(0, None), Err(Error::TemplateIncomplete));
    }

    /// Digests of "abc": FIPS 180-4, RFC 7693 (appendix A), FIPS 202.
    #[test]
    fn known_digested_keys() {
        for (id, length, expected) in [
            (ck::CKM_SHA1_KEY_DERIVATION, 20, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                ck::CKM_SHA256_KEY_DERIVATION,
                32,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                ck::CKM_BLAKE2B_512_KEY_DERIVE,
                64,
                "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1",
            ),
            (ck::CKM_SHAKE_128_KEY_DERIVATION, 32, "5881092dd818bf5cf8a3ddb793fbcba7"),
            (ck::CKM_SHAKE_256_KEY_DERIVATION, 64, "483366601360a8771c6863080cc4114d"),
        ] {
            let derived = derive(id, b"abc", Params::None, None).unwrap();
            assert_eq!(derived.len(), length, "{id:#x}");
            assert_eq!(hex::encode(&derived[..expected.len() / 2]), expected, "{id:#x}");
            assert_eq!(derive(id, b"abc", Params::None, Some(7)).unwrap(), derived[..7]);
        }
        let long = derive(ck::CKM_SHA256_KEY_DERIVATION, b"abc", Params::None, Some(33));
        assert_eq!(long, Err(Error::TemplateInconsistent));
        assert_eq!(
            derive(ck::CKM_SHAKE_128_KEY_DERIVATION, b"abc", Params::None, Some(500)).unwrap().len(),
            500
        );
    }
}
