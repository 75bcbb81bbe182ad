//! AES-CCM (PKCS#11 3.2, section 6.13).
//!
//! The tag follows the ciphertext, and a decryption answers nothing before it has checked it, as in the other modes with authentication.

use super::message::{Message, MessageShape};
use super::staged::Staged;
use super::{Aead, Cipher, Family, Key, Params, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{Ccm as CcmContext, Direction};
use crate::error::{Error, Result};
use crate::output::Size;

/// AES-CCM. The length of the data is part of what is authenticated and has to be known at the beginning.
pub struct Ccm;

impl Ccm {
    /// The cipher, before any data, and the MAC's length; `length`: bytes of the data, instead of the parameter's.
    fn begin(
        &self,
        direction: Direction,
        key: Key<'_>,
        params: &Params,
        length: Option<usize>,
    ) -> Result<Box<dyn Cipher>> {
        let Params::Ccm { data_length, nonce, aad, mac_length: mac_length @ (4 | 6 | 8 | 10 | 12 | 14 | 16) } =
            params
        else {
            return Err(Error::MechanismParamInvalid);
        };
        let (data_length, mac_length) = (length.unwrap_or(*data_length), *mac_length);
        if !(7..=13).contains(&nonce.len()) || data_length > max_data(nonce) || aad.len() > MAX_STEP {
            return Err(Error::MechanismParamInvalid);
        }
        let mut context = CcmContext::new(direction, key.secret()?, nonce, aad, data_length, mac_length)?;
        let sealed_length = data_length + mac_length;
        Ok(match direction {
            Direction::Encrypt => {
                let size = move |data: usize| Size::Exact(data.saturating_add(mac_length));
                let seal = move |data: &[u8], output: &mut [u8]| {
                    if data.len() != data_length {
                        return Err(Error::DataLenRange);
                    }
                    context.seal(data, output)
                };
                Box::new(Staged::cipher(data_length, Error::DataLenRange, size, seal))
            }
            Direction::Decrypt => {
                let size = move |sealed: usize| Size::Exact(sealed.saturating_sub(mac_length));
                let open = move |sealed: &[u8], output: &mut [u8]| {
                    if sealed.len() != sealed_length {
                        return Err(Error::EncryptedDataLenRange);
                    }
                    context.open(sealed, output)?.ok_or(Error::EncryptedDataInvalid)
                };
                Box::new(Staged::cipher(sealed_length, Error::EncryptedDataLenRange, size, open))
            }
        })
    }
}

/// What OpenSSL takes in one step, in bytes.
const MAX_STEP: usize = i32::MAX as usize;

/// The most data with this nonce, in bytes: the nonce leaves 2 to 8 bytes of its block for the data's length.
fn max_data(nonce: &[u8]) -> usize {
    let length_bytes = 15 - nonce.len() as u32;
    1usize.checked_shl(8 * length_bytes).map_or(MAX_STEP, |limit| (limit - 1).min(MAX_STEP))
}

impl Family for Ccm {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Encrypt, key, params, None)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Decrypt, key, params, None)
    }

    // The length of the data is the wrapped key's, whatever the parameter says.

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.begin(Direction::Encrypt, key, params, Some(encoded.len()))?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let Params::Ccm { mac_length, .. } = params else {
            return Err(Error::MechanismParamInvalid);
        };
        let length = wrapped.len().checked_sub(*mac_length).ok_or(Error::WrappedKeyLenRange)?;
        wrapping::unwrap(self.begin(Direction::Decrypt, key, params, Some(length))?, wrapped)
    }

    fn aead(&self) -> Option<&dyn Aead> {
        Some(self)
    }
}

impl Aead for Ccm {
    fn message_shape(&self) -> MessageShape {
        MessageShape::Ccm
    }

    fn params(&self, message: &Message, aad: &[u8]) -> Params {
        let Message { data_length, tag_length, .. } = *message;
        Params::Ccm { data_length, nonce: message.nonce.clone(), aad: aad.to_vec(), mac_length: tag_length }
    }
}
