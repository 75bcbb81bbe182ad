//! AES modes that need all of the data before they yield any: CBC with ciphertext stealing, and XTS (PKCS#11 3.2,
//! sections 6.12 and 6.15). Both steal from the last whole block, so there must be one.

use super::staged::Staged;
use super::{Cipher, Family, Key, Params, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{self, Direction, Mode};
use crate::error::{Error, Result};
use crate::output::Size;

/// Bytes of a block, and of the initialisation vector or data unit number.
const BLOCK: usize = 16;

/// One such mode.
pub struct Stealing {
    mode: Mode,
    /// The most data, in bytes.
    limit: usize,
    /// Whether the key's halves must differ.
    two_keys: bool,
}

/// CBC with ciphertext stealing. The standard names no variant; this is CS1 of the addendum to SP 800-38A, which is CBC where nothing has
/// to be stolen.
pub static CTS: Stealing = Stealing { mode: cipher::AES_CTS, limit: 1 << 30, two_keys: false };
/// XTS, for one data unit: at most 2^20 blocks (SP 800-38E, section 4).
pub static XTS: Stealing = Stealing { mode: cipher::AES_XTS, limit: BLOCK << 20, two_keys: true };

impl Stealing {
    fn begin(&self, direction: Direction, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let Params::Iv(iv) = params else { return Err(Error::MechanismParamInvalid) };
        if iv.len() != BLOCK {
            return Err(Error::MechanismParamInvalid);
        }
        let key = key.secret()?;
        let (first, second) = key.split_at(key.len() / 2);
        if self.two_keys && openssl::memcmp::eq(first, second) {
            return Err(Error::KeyFunctionNotPermitted);
        }
        let mut once = cipher::Once::new(self.mode, direction, key, iv)?;
        let wrong_length = match direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        };
        let run = move |data: &[u8], output: &mut [u8]| {
            if data.len() < BLOCK { Err(wrong_length) } else { once.run(data, output) }
        };
        Ok(Box::new(Staged::cipher(self.limit, wrong_length, Size::Exact, run)))
    }
}

impl Family for Stealing {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Encrypt, key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Decrypt, key, params)
    }

    // A key shorter than a block is filled with zeros, as in the other modes without padding.

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let unit = if encoded.len() < BLOCK { BLOCK } else { 1 };
        wrapping::wrap(self.encrypt(key, params)?, encoded, unit)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{decrypt, encrypt, hex};
    use cryptoki_sys as ck;

    fn iv() -> Params {
        Params::Iv(vec![0; BLOCK].into())
    }

    /// RFC 3962, appendix B, in the order of CS1: there the last two blocks have changed places.
    #[test]
    fn known_cts() {
        let key = b"chicken teriyaki";
        let data = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for (length, expected) in [
            (16, "97687268d6ecccc0c07b25e25ecfe584"),
            (17, "97c6353568f2bf8cb4d8a580362da7ff7f"),
            (31, "97687268d6ecccc0c07b25e25ecfe5fc00783e0efdb2c1d445d4c8eff7ed22"),
            (32, "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8"),
        ] {
            let encrypted = encrypt(ck::CKM_AES_CTS, key, iv(), &data[..length]).unwrap();
            assert_eq!(encrypted, hex(expected));
            assert_eq!(decrypt(ck::CKM_AES_CTS, key, iv(), &encrypted), Ok(data[..length].to_vec()));
        }
    }

    /// IEEE 1619, appendix B, vectors 2 and 15.
    #[test]
    fn known_xts() {
        let key = hex("1111111111111111111111111111111122222222222222222222222222222222");
        let unit = Params::Iv(hex("33333333330000000000000000000000").into());
        let expected = hex("c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0");
        assert_eq!(encrypt(ck::CKM_AES_XTS, &key, unit, &[0x44; 32]), Ok(expected));
        let key = hex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0");
        let unit = Params::Iv(hex("9a785634120000000000000000000000").into());
        let data = hex("000102030405060708090a0b0c0d0e0f10");
        let expected = hex("6c1625db4671522d3d7599601de7ca09ed");
        assert_eq!(encrypt(ck::CKM_AES_XTS, &key, unit, &data), Ok(expected));
    }

    #[test]
    fn less_than_a_block_and_more_than_a_data_unit_are_refused() {
        let key: Vec<u8> = (0..32).collect();
        for (id, key) in [(ck::CKM_AES_CTS, &key[..16]), (ck::CKM_AES_XTS, &key)] {
            for length in [0, 1, 15] {
                assert_eq!(encrypt(id, key, iv(), &vec![0; length]), Err(Error::DataLenRange));
                assert_eq!(decrypt(id, key, iv(), &vec![0; length]), Err(Error::EncryptedDataLenRange));
            }
            let short = Params::Iv(vec![0; 15].into());
            assert_eq!(encrypt(id, key, short, &[0; 16]), Err(Error::MechanismParamInvalid));
        }
        let too_long = vec![0; (BLOCK << 20) + 1];
        assert_eq!(encrypt(ck::CKM_AES_XTS, &key, iv(), &too_long), Err(Error::DataLenRange));
    }

    #[test]
    fn xts_takes_no_key_twice() {
        let result = encrypt(ck::CKM_AES_XTS, &[5; 64], iv(), &[0; 16]);
        assert_eq!(result, Err(Error::KeyFunctionNotPermitted));
    }
}
