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
    /// None, and none is added to a key either.
    Whole,
    /// RFC 5649, which also tells the length.
    Kwp,
    /// PKCS#7 up to a semiblock, then as plain.
    Pkcs7,
}

impl KeyWrap {
    fn context(self, direction: Direction, key: Key<'_>, params: &Params) -> Result<Context> {
        let (mode, iv_length) = match self {
            KeyWrap::Plain | KeyWrap::Whole | KeyWrap::Pkcs7 => (AES_WRAP, 8),
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
            KeyWrap::Plain | KeyWrap::Whole => data,
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
            KeyWrap::Plain | KeyWrap::Whole => Size::Exact(wrapped.saturating_sub(UNIT)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{Secret, decrypt, encrypt, hex};
    use cryptoki_sys as ck;

    /// RFC 3394, section 4.1.
    #[test]
    fn known_key_wrap() {
        let key = hex("000102030405060708090a0b0c0d0e0f");
        let data = hex("00112233445566778899aabbccddeeff");
        let expected = hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
        assert_eq!(encrypt(ck::CKM_AES_KEY_WRAP, &key, Params::None, &data), Ok(expected.clone()));
        let default_iv = Params::Iv(vec![0xa6; 8].into());
        assert_eq!(decrypt(ck::CKM_AES_KEY_WRAP, &key, default_iv, &expected), Ok(data));
        // PKCS#7 by hand, then plain.
        let padded = [&b"seven bytes "[..], &[4; 4]].concat();
        let by_hand = encrypt(ck::CKM_AES_KEY_WRAP, &key, Params::None, &padded);
        assert_eq!(encrypt(ck::CKM_AES_KEY_WRAP_PKCS7, &key, Params::None, b"seven bytes "), by_hand);
    }

    /// RFC 5649, section 6.
    #[test]
    fn known_key_wrap_with_padding() {
        let key = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (data, expected) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            let wrapped = encrypt(ck::CKM_AES_KEY_WRAP_KWP, &key, Params::None, &hex(data));
            assert_eq!(wrapped, Ok(hex(expected)));
            let unwrapped = decrypt(ck::CKM_AES_KEY_WRAP_KWP, &key, Params::None, &hex(expected));
            assert_eq!(unwrapped, Ok(hex(data)));
        }
    }

    #[test]
    fn padding_gives_back_data_of_every_length() {
        let key = [5; 32];
        for (id, shortest) in [(ck::CKM_AES_KEY_WRAP_KWP, 1), (ck::CKM_AES_KEY_WRAP_PKCS7, 8)] {
            for length in shortest..40 {
                let data = vec![length as u8; length];
                let wrapped = encrypt(id, &key, Params::None, &data).unwrap();
                assert_eq!(decrypt(id, &key, Params::None, &wrapped), Ok(data));
            }
            let too_short = vec![0; shortest - 1];
            assert_eq!(encrypt(id, &key, Params::None, &too_short), Err(Error::DataLenRange));
        }
    }

    #[test]
    fn what_was_altered_or_is_of_a_wrong_length_is_refused() {
        let key = [5; 16];
        for form in [KeyWrap::Plain, KeyWrap::Kwp, KeyWrap::Pkcs7] {
            let secret = Secret::new(&key);
            let wrapped = form.wrap(secret.key(), &Params::None, &[3; 24]).unwrap();
            for at in [0, 8, wrapped.len() - 1] {
                let mut altered = wrapped.clone();
                altered[at] ^= 0x10;
                let result = form.unwrap(secret.key(), &Params::None, &altered);
                assert_eq!(result, Err(Error::WrappedKeyInvalid));
            }
            for length in [0, 8, wrapped.len() - 1] {
                let result = form.unwrap(secret.key(), &Params::None, &wrapped[..length]);
                assert_eq!(result, Err(Error::WrappedKeyLenRange));
            }
            let other_iv = Params::Iv(vec![1; if form == KeyWrap::Kwp { 4 } else { 8 }].into());
            let result = form.unwrap(secret.key(), &other_iv, &wrapped);
            assert_eq!(result, Err(Error::WrappedKeyInvalid));
        }
        // Whole, but no PKCS#7 padding inside.
        let plain = encrypt(ck::CKM_AES_KEY_WRAP, &key, Params::None, &[9; 16]).unwrap();
        let result = decrypt(ck::CKM_AES_KEY_WRAP_PKCS7, &key, Params::None, &plain);
        assert_eq!(result, Err(Error::EncryptedDataInvalid));
    }

    #[test]
    fn plain_wrap_encrypts_whole_semiblocks_only_but_wraps_any_key_of_two() {
        for length in [0, 8, 17] {
            let result = encrypt(ck::CKM_AES_KEY_WRAP, &[5; 16], Params::None, &vec![0; length]);
            assert_eq!(result, Err(Error::DataLenRange));
        }
        let secret = Secret::new(&[5; 16]);
        let wrapped = KeyWrap::Plain.wrap(secret.key(), &Params::None, &[3; 17]).unwrap();
        let unwrapped = KeyWrap::Plain.unwrap(secret.key(), &Params::None, &wrapped).unwrap();
        assert_eq!(unwrapped[..], [&[3; 17][..], &[0; 7]].concat());
        assert_eq!(KeyWrap::Plain.wrap(secret.key(), &Params::None, &[3; 8]), Err(Error::KeySizeRange));
    }

    #[test]
    fn an_iv_of_another_length_is_refused() {
        for (id, length) in
            [(ck::CKM_AES_KEY_WRAP, 4), (ck::CKM_AES_KEY_WRAP_PKCS7, 16), (ck::CKM_AES_KEY_WRAP_KWP, 8)]
        {
            let result = encrypt(id, &[5; 16], Params::Iv(vec![0; length].into()), &[0; 16]);
            assert_eq!(result, Err(Error::MechanismParamInvalid));
        }
    }
}
