//! AES key wrap (PKCS#11 3.2, section 6.16; RFC 3394 and RFC 5649).

use super::staged::{MEMORY_LIMIT, Staged};
use super::{Cipher, Family, Key, Params, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{AES_WRAP, AES_WRAP_PAD, Direction, KeyWrap as Context};
use crate::error::{Error, Result};
use crate::output::Size;
use zeroize::Zeroizing;

/// Bytes of a semiblock, in which key wrap counts.
const UNIT: usize = 8;

/// AES key wrap, by its padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeyWrap {
    /// None: whole semiblocks, at least two; a shorter last one of a key is filled with zeros.
    Plain,
    /// RFC 5649, which also tells the length.
    Kwp,
    /// PKCS#7 up to a semiblock, then as plain.
    Pkcs7,
}

impl KeyWrap {
    fn context(self, direction: Direction, key: Key<'_>, params: &Params) -> Result<Context> {
        let (mode, iv_length) = match self {
            KeyWrap::Plain | KeyWrap::Pkcs7 => (AES_WRAP, 8),
            KeyWrap::Kwp => (AES_WRAP_PAD, 4),
        };
        let iv = match params {
            Params::None => None,
            Params::Iv(iv) if iv.len() == iv_length => Some(&iv[..]),
            _ => return Err(Error::MechanismParamInvalid),
        };
        Context::new(mode, direction, key.secret()?, iv)
    }

    /// Bytes of the data once it is padded, which are never fewer than those of the data.
    fn padded(self, data: usize) -> usize {
        match self {
            KeyWrap::Plain => data,
            KeyWrap::Kwp => data.saturating_add(UNIT - 1) / UNIT * UNIT,
            KeyWrap::Pkcs7 => (data / UNIT + 1).saturating_mul(UNIT),
        }
    }

    /// The fewest bytes of padded data.
    fn min_padded(self) -> usize {
        if self == KeyWrap::Kwp { UNIT } else { 2 * UNIT }
    }

    fn check_data(self, length: usize) -> Result<()> {
        let padded = self.padded(length);
        if padded.is_multiple_of(UNIT) && padded >= self.min_padded() {
            Ok(())
        } else {
            Err(Error::DataLenRange)
        }
    }

    fn check_wrapped(self, length: usize) -> Result<()> {
        let fits = length.is_multiple_of(UNIT) && length >= self.min_padded() + UNIT;
        if fits { Ok(()) } else { Err(Error::EncryptedDataLenRange) }
    }

    /// The data of what was unwrapped, without PKCS#7 padding.
    fn unpadded(self, padded: &[u8]) -> Option<&[u8]> {
        if self != KeyWrap::Pkcs7 {
            return Some(padded);
        }
        let count = usize::from(*padded.last()?);
        let (data, padding) = padded.split_at(padded.len().checked_sub(count)?);
        let right = (1..=UNIT).contains(&count) && padding.iter().all(|byte| usize::from(*byte) == count);
        right.then_some(data)
    }
}

impl Family for KeyWrap {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let form = *self;
        let mut context = form.context(Direction::Encrypt, key, params)?;
        let size = move |data: usize| Size::Exact(form.padded(data).saturating_add(UNIT));
        let wrap = move |data: &[u8], output: &mut [u8]| {
            form.check_data(data.len())?;
            if form != KeyWrap::Pkcs7 {
                return context.wrap(data, output);
            }
            let mut padded = Zeroizing::new(Vec::with_capacity(form.padded(data.len())));
            padded.extend_from_slice(data);
            padded.resize(form.padded(data.len()), (UNIT - data.len() % UNIT) as u8);
            context.wrap(&padded, output)
        };
        Ok(Box::new(Staged::cipher(MEMORY_LIMIT, Error::DataLenRange, size, wrap)))
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let form = *self;
        let mut context = form.context(Direction::Decrypt, key, params)?;
        let size = move |wrapped: usize| match form {
            KeyWrap::Plain => Size::Exact(wrapped.saturating_sub(UNIT)),
            KeyWrap::Kwp => Size::AtMost(wrapped.saturating_sub(UNIT)),
            KeyWrap::Pkcs7 => Size::AtMost(wrapped.saturating_sub(UNIT + 1)),
        };
        let unwrap = move |wrapped: &[u8], output: &mut [u8]| {
            form.check_wrapped(wrapped.len())?;
            let padded = context.unwrap(wrapped).ok_or(Error::EncryptedDataInvalid)?;
            let data = form.unpadded(&padded).ok_or(Error::EncryptedDataInvalid)?;
            output[..data.len()].copy_from_slice(data);
            Ok(data.len())
        };
        Ok(Box::new(Staged::cipher(MEMORY_LIMIT, Error::EncryptedDataLenRange, size, unwrap)))
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let unit = if *self == KeyWrap::Plain { UNIT } else { 1 };
        wrapping::wrap(self.encrypt(key, params)?, encoded, unit)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}
