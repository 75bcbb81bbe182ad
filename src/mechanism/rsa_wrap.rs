//! `CKM_RSA_AES_KEY_WRAP`: a key of any length under AES key wrap with padding, whose temporary key is under RSA-OAEP
//! (PKCS#11 3.2, section 6.1).

use super::params::Params;
use super::{Family, Key, rsa};
use crate::attribute::Bytes;
use crate::crypto;
use crate::crypto::cipher::{AES_WRAP_PAD, Direction, KeyWrap};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// The mechanism.
pub struct RsaAesWrap;

impl Family for RsaAesWrap {
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let (length, oaep) = choices(params)?;
        let mut temporary = Zeroizing::new(vec![0; length]);
        crypto::random(&mut temporary)?;
        let mut wrapped = rsa::OAEP.wrap(key, &oaep, &temporary).map_err(|error| match error {
            Error::KeySizeRange => Error::WrappingKeySizeRange,
            other => other,
        })?;
        let mut second = vec![0; encoded.len().next_multiple_of(8) + 8];
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Encrypt, &temporary, None)?;
        let written = wrapping.wrap(encoded, &mut second)?;
        wrapped.extend_from_slice(&second[..written]);
        Ok(wrapped)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let (length, oaep) = choices(params)?;
        let modulus = key.private()?.size();
        let (first, second) = wrapped.split_at_checked(modulus).ok_or(Error::WrappedKeyLenRange)?;
        if second.len() < 16 || !second.len().is_multiple_of(8) {
            return Err(Error::WrappedKeyLenRange);
        }
        let temporary = rsa::OAEP.unwrap(key, &oaep, first)?;
        if temporary.len() != length {
            return Err(Error::WrappedKeyInvalid);
        }
        let mut wrapping = KeyWrap::new(AES_WRAP_PAD, Direction::Decrypt, &temporary, None)?;
        let encoded = wrapping.unwrap(second).ok_or(Error::WrappedKeyInvalid)?;
        Ok(Bytes::from(&encoded[..]))
    }
}

/// Bytes of the temporary key, and the parameter of OAEP.
fn choices(params: &Params) -> Result<(usize, Params)> {
    match params {
        Params::RsaAesWrap { aes_bits: bits @ (128 | 192 | 256), oaep } => {
            Ok((*bits as usize / 8, Params::Oaep(oaep.clone())))
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}
