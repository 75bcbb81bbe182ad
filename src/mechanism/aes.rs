//! AES: key generation, block modes, counter mode and CMAC (PKCS#11 3.2, sections 6.10, 6.11 and 6.14). Modes with authentication are in
//! [`super::aead`], key wrap is in [`super::keywrap`].

use super::block::{Block, EncryptData};
use super::mac::Cmac;
use super::secret::{Generator, Lengths};
use super::{Cipher, Family, Key, Params, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{self, Direction, Stream};
use crate::crypto::mac;
use crate::error::{Error, Result};
use crate::output::Size;

/// Bytes of a block.
const BLOCK: usize = 16;

/// Makes AES keys.
pub static GENERATOR: Generator = Generator { lengths: Lengths::OneOf(&[16, 24, 32]) };
/// ECB.
pub static ECB: Block = Block::ecb(cipher::AES_ECB, BLOCK);
/// CBC.
pub static CBC: Block = Block::cbc(cipher::AES_CBC, BLOCK);
/// CBC with padding.
pub static CBC_PAD: Block = Block::cbc_pad(cipher::AES_CBC, BLOCK);
/// Derivation by ECB.
pub static ECB_ENCRYPT_DATA: EncryptData = EncryptData(&ECB);
/// Derivation by CBC.
pub static CBC_ENCRYPT_DATA: EncryptData = EncryptData(&CBC);
/// CMAC.
pub static CMAC: Cmac = Cmac { algorithms: &mac::AES_CMAC, block: BLOCK };

/// Counter mode.
pub struct Counter;

impl Counter {
    /// Both directions are the same.
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let Params::Counter { bits: bits @ 1..=128, block } = params else {
            return Err(Error::MechanismParamInvalid);
        };
        let stream = cipher::stream(cipher::AES_CTR, Direction::Encrypt, key.secret()?, Some(block), false)?;
        Ok(Box::new(Counting { stream, left: bytes_left(*bits, *block) }))
    }
}

impl Family for Counter {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(key, params)
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.begin(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.begin(key, params)?, wrapped)
    }
}

/// Bytes that a counter of so many bits can still encrypt: each of its values once, up to its largest. OpenSSL's own counter is the
/// whole block and would carry into the nonce.
fn bytes_left(bits: u32, block: [u8; BLOCK]) -> u128 {
    let largest = u128::MAX >> (128 - bits);
    let value = u128::from_be_bytes(block) & largest;
    (largest - value).saturating_add(1).saturating_mul(BLOCK as u128)
}

/// Counter mode at work.
struct Counting {
    stream: Stream,
    left: u128,
}

impl Cipher for Counting {
    fn update_size(&self, input: usize) -> Size {
        Size::Exact(input)
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let left = self.left.checked_sub(input.len() as u128).ok_or(Error::DataLenRange)?;
        let written = self.stream.update(input, output)?;
        self.left = left;
        Ok(written)
    }

    fn finish_size(&self) -> Size {
        Size::Exact(0)
    }

    fn finish(&mut self, _output: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn whole_size(&self, input: usize) -> Size {
        Size::Exact(input)
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.update(input, output)
    }
}
