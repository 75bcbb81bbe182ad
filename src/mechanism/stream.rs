//! Ciphers whose output is as long as their input, byte by byte: feedback modes and counter modes (PKCS#11 3.2,
//! sections 6.10, 6.11 and 6.58).

use super::{Cipher, Family, Given, Key, Params, Short, wrapping};
use crate::attribute::Bytes;
use crate::crypto::cipher::{self, Direction, Mode, Stream};
use crate::error::{Error, Result};
use crate::output::Size;

/// Bytes of a block of AES.
const BLOCK: usize = 16;
/// Bytes of a block of DES.
const DES_BLOCK: usize = 8;
/// Bytes of a ChaCha20 block.
const CHACHA20_BLOCK: u128 = 64;

/// What a stream cipher makes of its parameter: initialisation vector, and how many bytes it can encrypt before its
/// counter would begin again.
type Start = (Short, u128);

/// A stream cipher.
pub struct StreamCipher {
    mode: Mode,
    /// Reads the parameter; `MechanismParamInvalid` for one that cannot be.
    start: fn(&Given<'_>) -> Result<Start>,
}

/// AES, output feedback.
pub static AES_OFB: StreamCipher = feedback::<BLOCK>(cipher::AES_OFB);
/// AES, cipher feedback of blocks.
pub static AES_CFB128: StreamCipher = feedback::<BLOCK>(cipher::AES_CFB128);
/// AES, cipher feedback of bytes.
pub static AES_CFB8: StreamCipher = feedback::<BLOCK>(cipher::AES_CFB8);
/// AES, cipher feedback of bits, of which there are always eight.
pub static AES_CFB1: StreamCipher = feedback::<BLOCK>(cipher::AES_CFB1);
/// Single DES, output feedback.
pub static DES_OFB64: StreamCipher = feedback::<DES_BLOCK>(cipher::DES_OFB64);
/// Single DES, cipher feedback of blocks.
pub static DES_CFB64: StreamCipher = feedback::<DES_BLOCK>(cipher::DES_CFB64);
/// Single DES, cipher feedback of bytes.
pub static DES_CFB8: StreamCipher = feedback::<DES_BLOCK>(cipher::DES_CFB8);
/// AES, counter mode.
pub static AES_CTR: StreamCipher = StreamCipher { mode: cipher::AES_CTR, start: counter };
/// Camellia, counter mode.
pub static CAMELLIA_CTR: StreamCipher = StreamCipher { mode: cipher::CAMELLIA_CTR, start: counter };
/// ChaCha20.
pub static CHACHA20: StreamCipher = StreamCipher { mode: cipher::CHACHA20, start: chacha20 };

const fn feedback<const BYTES: usize>(mode: Mode) -> StreamCipher {
    StreamCipher { mode, start: block::<BYTES> }
}

impl StreamCipher {
    fn begin(&self, direction: Direction, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (iv, left) = (self.start)(&params.into())?;
        let stream = cipher::stream_of(self.mode, direction, key.secret_key()?, Some(&iv), false)?;
        Ok(Box::new(Streaming { stream, left, start: self.start }))
    }
}

impl Family for StreamCipher {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Encrypt, key, params)
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        self.begin(Direction::Decrypt, key, params)
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}

/// A block as initialisation vector.
fn block<const BYTES: usize>(given: &Given<'_>) -> Result<Start> {
    match *given {
        Given::Iv(iv) if iv.len() == BYTES => Ok((iv.into(), u128::MAX)),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The first counter block.
fn counter(given: &Given<'_>) -> Result<Start> {
    match *given {
        Given::Other(Params::Counter { bits: bits @ 1..=128, block }) => {
            Ok((block[..].into(), bytes_left(*bits, *block)))
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// Bytes that a counter of so many bits can still encrypt: each of its values once, up to its largest. OpenSSL's own counter is the
/// whole block and would carry into the nonce.
fn bytes_left(bits: u32, block: [u8; BLOCK]) -> u128 {
    let largest = u128::MAX >> (128 - bits);
    let value = u128::from_be_bytes(block) & largest;
    (largest - value).saturating_add(1).saturating_mul(BLOCK as u128)
}

/// Counter and nonce, 4 and 12 bytes (RFC 8439) or 8 and 8 (the original), the counter as the cipher keeps it: its lowest
/// byte first. OpenSSL has no XChaCha20.
fn chacha20(given: &Given<'_>) -> Result<Start> {
    let Given::Other(Params::ChaCha20 { counter, nonce }) = given else {
        return Err(Error::MechanismParamInvalid);
    };
    if !matches!((counter.len(), nonce.len()), (4, 12) | (8, 8)) {
        return Err(Error::MechanismParamInvalid);
    }
    let value = counter.iter().rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    let blocks = (1u128 << (8 * counter.len())) - value;
    Ok(([&counter[..], nonce].concat().into(), blocks * CHACHA20_BLOCK))
}

/// A stream cipher at work.
struct Streaming {
    stream: Stream,
    left: u128,
    start: fn(&Given<'_>) -> Result<Start>,
}

impl Cipher for Streaming {
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

    fn rest(&mut self) -> bool {
        self.stream.rest()
    }

    fn renew(&mut self, given: &Given<'_>) -> Result<bool> {
        let (iv, left) = (self.start)(given)?;
        self.left = left;
        self.stream.renew(Some(&iv))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::testing::{Secret, decrypt, encrypt, hex};
    use cryptoki_sys as ck;

    const KEY: [u8; 16] = [7; 16];

    fn counter(bits: u32, block: &str) -> Params {
        Params::Counter { bits, block: hex(block).try_into().unwrap() }
    }

    /// SP 800-38A, sections F.3.1, F.3.7, F.3.13, F.4.1 and F.5.1.
    #[test]
    fn known_streams() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let data = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let iv = Params::Iv(hex("000102030405060708090a0b0c0d0e0f").into());
        let first = counter(128, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        for (id, params, expected) in [
            (ck::CKM_AES_CFB1, iv.clone(), "68b3"),
            (ck::CKM_AES_CFB8, iv.clone(), "3b79424c9c0dd436bace9e0ed4586a4f32b9"),
            (
                ck::CKM_AES_CFB128,
                iv.clone(),
                "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b",
            ),
            (ck::CKM_AES_OFB, iv, "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825"),
            (ck::CKM_AES_CTR, first, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"),
        ] {
            let expected = hex(expected);
            let data = &data[..expected.len()];
            assert_eq!(encrypt(id, &key, params.clone(), data), Ok(expected.clone()), "{id:#x}");
            assert_eq!(decrypt(id, &key, params, &expected), Ok(data.to_vec()), "{id:#x}");
        }
    }

    /// RFC 8439, section 2.4.2.
    #[test]
    fn known_chacha20() {
        let key: Vec<u8> = (0..32).collect();
        let params = Params::ChaCha20 { counter: vec![1, 0, 0, 0], nonce: hex("000000000000004a00000000") };
        let data = b"Ladies and Gentlemen of the class of '99";
        let expected =
            hex("6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab");
        assert_eq!(encrypt(ck::CKM_CHACHA20, &key, params, data), Ok(expected));
    }

    #[test]
    fn a_chacha20_counter_never_begins_again() {
        let last = |counter: Vec<u8>, nonce| Params::ChaCha20 { counter, nonce: vec![3; nonce] };
        for params in [last(vec![0xff; 4], 12), last(vec![0xff; 8], 8)] {
            assert!(encrypt(ck::CKM_CHACHA20, &[1; 32], params.clone(), &[0; 64]).is_ok());
            let result = encrypt(ck::CKM_CHACHA20, &[1; 32], params, &[0; 65]);
            assert_eq!(result, Err(Error::DataLenRange));
        }
        for params in [last(vec![0; 4], 8), last(vec![0; 8], 12), last(vec![0; 8], 24), last(vec![], 16)] {
            let result = encrypt(ck::CKM_CHACHA20, &[1; 32], params, b"");
            assert_eq!(result, Err(Error::MechanismParamInvalid));
        }
    }

    /// The standard's example: two counter bits that start as 1 leave three blocks.
    #[test]
    fn a_counter_never_carries_into_the_nonce() {
        let begin = |bits, block| AES_CTR.encrypt(Secret::new(&KEY).key(), &counter(bits, block)).unwrap();
        for (bits, block, bytes) in [
            (2, "fffffffffffffffffffffffffffffffd", 48),
            (1, "00000000000000000000000000000001", 16),
            (32, "000000000000000000000000fffffffe", 32),
            (128, "ffffffffffffffffffffffffffffffff", 16),
        ] {
            let data = vec![0; bytes + 1];
            let mut output = data.clone();
            assert_eq!(begin(bits, block).whole(&data[..bytes], &mut output), Ok(bytes));
            assert_eq!(begin(bits, block).whole(&data, &mut output), Err(Error::DataLenRange));
            let mut counting = begin(bits, block);
            assert_eq!(counting.update(&data[..bytes], &mut output), Ok(bytes));
            assert_eq!(counting.update(&[], &mut output), Ok(0));
            assert_eq!(counting.update(&data[..1], &mut output), Err(Error::DataLenRange));
        }
        assert_eq!(bytes_left(128, [0; 16]), u128::MAX);
        for bits in [0, 129, u32::MAX] {
            let params = Params::Counter { bits, block: [0; 16] };
            assert_eq!(encrypt(ck::CKM_AES_CTR, &KEY, params, b""), Err(Error::MechanismParamInvalid));
        }
    }
}
