//! Symmetric ciphers: one table per mode, with one algorithm for each length of key.

pub use super::ffi::cipher::{Direction, Stream};

use super::{SecretKey, start, unexpected};
use crate::error::{Error, Result};
use once_cell::sync::OnceCell;
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

/// A cipher of OpenSSL for one length of key, fetched at first use.
pub struct Algorithm {
    name: &'static str,
    key_length: usize,
    fetched: OnceCell<Cipher>,
}

/// Which algorithm.
#[derive(Clone, Copy)]
pub struct Name(&'static Algorithm);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

const fn algorithm(name: &'static str, key_length: usize) -> Algorithm {
    Algorithm { name, key_length, fetched: OnceCell::new() }
}

/// One mode for all lengths of key.
pub type Mode = &'static [Algorithm];

macro_rules! modes {
    ($($(#[$doc:meta])* $mode:ident = [$($name:literal: $length:literal),*];)*) => {
        $($(#[$doc])* pub static $mode: Mode = {
            static ALGORITHMS: [Algorithm; [$($length),*].len()] = [$(algorithm($name, $length)),*];
            &ALGORITHMS
        };)*
    };
}

modes! {
    /// AES, electronic codebook.
    AES_ECB = ["AES-128-ECB": 16, "AES-192-ECB": 24, "AES-256-ECB": 32];
    /// AES, cipher block chaining.
    AES_CBC = ["AES-128-CBC": 16, "AES-192-CBC": 24, "AES-256-CBC": 32];
    /// AES, counter mode; the counter is the whole block.
    AES_CTR = ["AES-128-CTR": 16, "AES-192-CTR": 24, "AES-256-CTR": 32];
    /// AES, Galois/counter mode.
    AES_GCM = ["AES-128-GCM": 16, "AES-192-GCM": 24, "AES-256-GCM": 32];
    /// AES, counter with CBC-MAC.
    AES_CCM = ["AES-128-CCM": 16, "AES-192-CCM": 24, "AES-256-CCM": 32];
    /// AES key wrap (RFC 3394).
    AES_WRAP = ["AES-128-WRAP": 16, "AES-192-WRAP": 24, "AES-256-WRAP": 32];
    /// AES key wrap with padding (RFC 5649).
    AES_WRAP_PAD = ["AES-128-WRAP-PAD": 16, "AES-192-WRAP-PAD": 24, "AES-256-WRAP-PAD": 32];
    /// AES, output feedback.
    AES_OFB = ["AES-128-OFB": 16, "AES-192-OFB": 24, "AES-256-OFB": 32];
    /// AES, cipher feedback of whole blocks.
    AES_CFB128 = ["AES-128-CFB": 16, "AES-192-CFB": 24, "AES-256-CFB": 32];
    /// AES, cipher feedback of bytes.
    AES_CFB8 = ["AES-128-CFB8": 16, "AES-192-CFB8": 24, "AES-256-CFB8": 32];
    /// AES, cipher feedback of bits.
    AES_CFB1 = ["AES-128-CFB1": 16, "AES-192-CFB1": 24, "AES-256-CFB1": 32];
    /// AES, cipher block chaining with ciphertext stealing, variant CS1.
    AES_CTS = ["AES-128-CBC-CTS": 16, "AES-192-CBC-CTS": 24, "AES-256-CBC-CTS": 32];
    /// AES, XEX with ciphertext stealing; both keys, one after the other.
    AES_XTS = ["AES-128-XTS": 32, "AES-256-XTS": 64];
    /// ChaCha20; its initialisation vector is the counter and the nonce.
    CHACHA20 = ["ChaCha20": 32];
    /// ChaCha20 with Poly1305 (RFC 8439).
    CHACHA20_POLY1305 = ["ChaCha20-Poly1305": 32];
    /// ARIA, electronic codebook.
    ARIA_ECB = ["ARIA-128-ECB": 16, "ARIA-192-ECB": 24, "ARIA-256-ECB": 32];
    /// ARIA, cipher block chaining.
    ARIA_CBC = ["ARIA-128-CBC": 16, "ARIA-192-CBC": 24, "ARIA-256-CBC": 32];
    /// Camellia, electronic codebook.
    CAMELLIA_ECB = ["CAMELLIA-128-ECB": 16, "CAMELLIA-192-ECB": 24, "CAMELLIA-256-ECB": 32];
    /// Camellia, cipher block chaining.
    CAMELLIA_CBC = ["CAMELLIA-128-CBC": 16, "CAMELLIA-192-CBC": 24, "CAMELLIA-256-CBC": 32];
    /// Camellia, counter mode with a counter of the whole block.
    CAMELLIA_CTR = ["CAMELLIA-128-CTR": 16, "CAMELLIA-192-CTR": 24, "CAMELLIA-256-CTR": 32];
    /// DES with one, two or three keys, electronic codebook.
    DES_ECB = ["DES-EDE3-ECB": 8, "DES-EDE-ECB": 16, "DES-EDE3-ECB": 24];
    /// DES with one, two or three keys, cipher block chaining.
    DES_CBC = ["DES-EDE3-CBC": 8, "DES-EDE-CBC": 16, "DES-EDE3-CBC": 24];
    /// DES with one key, output feedback.
    DES_OFB64 = ["DES-EDE3-OFB": 8];
    /// DES with one key, cipher feedback of whole blocks.
    DES_CFB64 = ["DES-EDE3-CFB": 8];
    /// DES with one key, cipher feedback of bytes.
    DES_CFB8 = ["DES-EDE3-CFB8": 8];
}

impl Algorithm {
    fn cipher(&self) -> Result<&CipherRef> {
        let fetch = || {
            start();
            Cipher::fetch(None, self.name, None).map_err(unexpected)
        };
        Ok(self.fetched.get_or_try_init(fetch)?)
    }
}

/// The algorithm of `mode` for this key; `KeySizeRange` if there is none.
fn algorithm_for(mode: Mode, key: &[u8]) -> Result<&'static Algorithm> {
    mode.iter().find(|algorithm| algorithm.key_length == key.len()).ok_or(Error::KeySizeRange)
}

/// The cipher of `mode` for this key; `KeySizeRange` if there is none.
fn for_key(mode: Mode, key: &[u8]) -> Result<&'static CipherRef> {
    algorithm_for(mode, key)?.cipher()
}

/// Begins a cipher that yields output as input comes: block modes, stream modes and GCM. `padding`: PKCS#7, for block modes.
pub fn stream(
    mode: Mode,
    direction: Direction,
    key: &[u8],
    iv: Option<&[u8]>,
    padding: bool,
) -> Result<Stream> {
    let cipher = for_key(mode, key)?;
    let context = prepared(cipher, direction, key, iv).map_err(unexpected)?;
    Ok(Stream::new(context.into(), cipher, direction, padding))
}

/// The same with a key that keeps its contexts: where there is one that is ready, only the initialisation vector is set.
pub fn stream_of(
    mode: Mode,
    direction: Direction,
    key: &SecretKey,
    iv: Option<&[u8]>,
    padding: bool,
) -> Result<Stream> {
    let algorithm = algorithm_for(mode, key)?;
    let cipher = algorithm.cipher()?;
    if iv.map_or(0, <[u8]>::len) != cipher.iv_length() {
        // OpenSSL remembers the length, and a vector where none is given; contexts that are kept are all alike.
        return stream(mode, direction, key, iv, padding);
    }
    let (idle, purpose) = (key.ciphers(), (Name(algorithm), direction));
    let context = match idle.take(purpose) {
        Some(mut context) => direction.init(&mut context, None, None, iv).map(|()| context),
        None => prepared(cipher, direction, key, iv).map(|context| idle.lend(purpose, context)),
    };
    Ok(Stream::new(context.map_err(unexpected)?, cipher, direction, padding))
}

/// Bytes of the key of single DES, which only OpenSSL's legacy provider has. Triple DES encrypts, decrypts and encrypts again; with the same
/// key three times it is single DES (FIPS 46-3).
const SINGLE_DES: usize = 8;

/// A context with all it needs. `iv`: of a length that the cipher allows; `None` for ECB.
fn prepared(
    cipher: &CipherRef,
    direction: Direction,
    key: &[u8],
    iv: Option<&[u8]>,
) -> std::result::Result<CipherCtx, ErrorStack> {
    let tripled = (key.len() == SINGLE_DES).then(|| Zeroizing::new(key.repeat(3)));
    let key = tripled.as_ref().map_or(key, |tripled| tripled);
    let mut context = CipherCtx::new()?;
    match iv {
        Some(iv) if iv.len() != cipher.iv_length() => {
            direction.init(&mut context, Some(cipher), None, None)?;
            context.set_iv_length(iv.len())?;
            direction.init(&mut context, None, Some(key), Some(iv))?;
        }
        _ => direction.init(&mut context, Some(cipher), Some(key), iv)?,
    }
    Ok(context)
}

/// AES-CCM, ready for its only step.
pub struct Ccm {
    context: CipherCtx,
    mac_length: usize,
}

impl Ccm {
    /// Everything but the data. The lengths have been checked: nonce 7 to 13, MAC 4 to 16 and even, `aad` and data no longer than
    /// `i32::MAX`.
    pub fn new(
        direction: Direction,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        data_length: usize,
        mac_length: usize,
    ) -> Result<Self> {
        let cipher = for_key(AES_CCM, key)?;
        let prepare = || {
            let mut context = CipherCtx::new()?;
            direction.init(&mut context, Some(cipher), None, None)?;
            // OpenSSL takes both lengths into the key's set-up, so they come first.
            context.set_iv_length(nonce.len())?;
            context.set_tag_length(mac_length)?;
            direction.init(&mut context, None, Some(key), Some(nonce))?;
            context.set_data_len(data_length)?;
            if !aad.is_empty() {
                context.cipher_update(aad, None)?;
            }
            Ok(context)
        };
        Ok(Ccm { context: prepare().map_err(unexpected)?, mac_length })
    }

    /// Encrypts `data`, whose length was told, to ciphertext and MAC.
    pub fn seal(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        let (ciphertext, mac) = output.split_at_mut(data.len());
        self.context.cipher_update(data, Some(ciphertext)).map_err(unexpected)?;
        self.context.tag(&mut mac[..self.mac_length]).map_err(unexpected)?;
        Ok(data.len() + self.mac_length)
    }

    /// Decrypts ciphertext and MAC; `None` if the MAC is wrong, and nothing of the data remains in `output`.
    pub fn open(&mut self, sealed: &[u8], output: &mut [u8]) -> Result<Option<usize>> {
        let (ciphertext, mac) = sealed.split_at(sealed.len() - self.mac_length);
        self.context.set_tag(mac).map_err(unexpected)?;
        match self.context.cipher_update(ciphertext, Some(&mut output[..ciphertext.len()])) {
            Ok(length) => Ok(Some(length)),
            Err(_) => {
                output.fill(0);
                Ok(None)
            }
        }
    }
}

/// A mode that takes all of its data in one step (CTS, XTS), ready for it. The output is as long as the data.
pub struct Once {
    context: CipherCtx,
}

impl Once {
    /// Begins; `iv`: a block.
    pub fn new(mode: Mode, direction: Direction, key: &[u8], iv: &[u8]) -> Result<Self> {
        let cipher = for_key(mode, key)?;
        let prepare = || -> std::result::Result<CipherCtx, ErrorStack> {
            let mut context = CipherCtx::new()?;
            direction.init(&mut context, Some(cipher), Some(key), Some(iv))?;
            Ok(context)
        };
        Ok(Once { context: prepare().map_err(unexpected)? })
    }

    /// Works; the length of `data` has been checked: a block at least.
    pub fn run(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        // The `openssl` crate wants room for a block more than there will be.
        let mut roomy = Zeroizing::new(vec![0; data.len() + 16]);
        let length = self.context.cipher_update(data, Some(&mut roomy)).map_err(unexpected)?;
        output[..length].copy_from_slice(&roomy[..length]);
        Ok(length)
    }
}

/// AES key wrap, ready for its only step.
pub struct KeyWrap {
    context: CipherCtx,
}

impl KeyWrap {
    /// `mode`: [`AES_WRAP`] or [`AES_WRAP_PAD`]; `iv`: 8 or 4 bytes, or `None` for the standard's.
    pub fn new(mode: Mode, direction: Direction, key: &[u8], iv: Option<&[u8]>) -> Result<Self> {
        let cipher = for_key(mode, key)?;
        let prepare = || -> std::result::Result<CipherCtx, ErrorStack> {
            let mut context = CipherCtx::new()?;
            context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
            direction.init(&mut context, Some(cipher), Some(key), iv)?;
            Ok(context)
        };
        Ok(KeyWrap { context: prepare().map_err(unexpected)? })
    }

    /// Wraps; the length of `data` has been checked.
    pub fn wrap(&mut self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        self.context.cipher_update(data, Some(output)).map_err(unexpected)
    }

    /// Unwraps; the length of `wrapped` has been checked. `None` if the integrity check fails.
    pub fn unwrap(&mut self, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        // As long as the input: that much OpenSSL wipes when the check fails.
        let mut output = Zeroizing::new(vec![0; wrapped.len()]);
        let length = self.context.cipher_update(wrapped, Some(&mut output)).ok()?;
        output.truncate(length);
        Some(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Bytes;

    /// Every mode that yields output as input comes.
    const STREAMING: [Mode; 20] = [
        AES_ECB,
        AES_CBC,
        AES_CTR,
        AES_GCM,
        AES_OFB,
        AES_CFB128,
        AES_CFB8,
        AES_CFB1,
        CHACHA20,
        CHACHA20_POLY1305,
        ARIA_ECB,
        ARIA_CBC,
        CAMELLIA_ECB,
        CAMELLIA_CBC,
        CAMELLIA_CTR,
        DES_ECB,
        DES_CBC,
        DES_OFB64,
        DES_CFB64,
        DES_CFB8,
    ];

    fn run(mut stream: Stream, aad: &[u8], data: &[u8], tag: &mut [u8]) -> Vec<u8> {
        if !tag.is_empty() {
            stream.authenticate(aad).unwrap();
        }
        let mut output = vec![0; data.len() + 16];
        let mut written = 0;
        for piece in data.chunks(5) {
            let room = stream.yields(piece.len());
            written += stream.update(piece, &mut output[written..written + room]).unwrap();
        }
        match tag {
            [] => written += stream.finish(&mut output[written..]).unwrap_or_default(),
            tag => stream.finish_with_tag(tag).unwrap(),
        }
        output.truncate(written);
        output
    }

    #[test]
    fn a_context_used_before_works_as_a_new_one_does_whatever_it_was_used_for() {
        for algorithm in STREAMING.into_iter().flatten() {
            let mode = std::slice::from_ref(algorithm);
            let bytes: Vec<u8> = (0..algorithm.key_length as u8).collect();
            let key = SecretKey::from(Bytes::from(&bytes[..]));
            let cipher = algorithm.cipher().unwrap();
            let tag = if matches!(algorithm.name, "ChaCha20-Poly1305") || algorithm.name.ends_with("GCM") {
                16
            } else {
                0
            };
            for (round, padding) in [false, true, true, false, false].into_iter().enumerate() {
                let round = round as u8;
                let iv = vec![round + 1; cipher.iv_length()];
                let iv = (!iv.is_empty()).then_some(&iv[..]);
                let data = vec![round; 48];
                for direction in [Direction::Encrypt, Direction::Decrypt] {
                    // One that ends in the middle leaves its traces in the context.
                    let mut left = stream_of(mode, direction, &key, iv, padding).unwrap();
                    left.update(&[7; 21], &mut [0; 32]).unwrap();
                    drop(left);
                    if tag > 0 && direction == Direction::Decrypt {
                        let mut wrong = stream_of(mode, direction, &key, iv, padding).unwrap();
                        wrong.update(&[7; 21], &mut [0; 32]).unwrap();
                        assert!(wrong.finish_against_tag(&[7; 16]).is_err());
                        continue;
                    }
                    let (mut tags, aad) = ([vec![0; tag], vec![0; tag]], [round; 3]);
                    let again = stream_of(mode, direction, &key, iv, padding).unwrap();
                    let anew = stream(mode, direction, &bytes, iv, padding).unwrap();
                    let again = run(again, &aad, &data, &mut tags[0]);
                    assert_eq!(again, run(anew, &aad, &data, &mut tags[1]), "{} {round}", algorithm.name);
                    assert_eq!(tags[0], tags[1], "{} {round}", algorithm.name);
                }
            }
        }
    }

    #[test]
    fn a_tag_is_checked_anew_with_a_context_that_has_found_one_right() {
        let key = SecretKey::from(Bytes::from(&[1; 16][..]));
        let begin = |direction, iv: &[u8; 12]| stream_of(AES_GCM, direction, &key, Some(iv), false).unwrap();
        let mut tag = [0; 16];
        let sealed = run(begin(Direction::Encrypt, &[1; 12]), b"", b"message", &mut tag);
        for (iv, right) in [([1; 12], true), ([2; 12], false), ([1; 12], true)] {
            let mut opening = begin(Direction::Decrypt, &iv);
            opening.update(&sealed, &mut [0; 7]).unwrap();
            assert_eq!(opening.finish_against_tag(&tag).is_ok(), right);
        }
    }

    #[test]
    fn a_chain_without_initialisation_vector_does_not_go_on_from_that_of_another() {
        let key = SecretKey::from(Bytes::from(&[1; 16][..]));
        let anew = stream(AES_CBC, Direction::Encrypt, &key, None, false).unwrap();
        drop(stream_of(AES_CBC, Direction::Encrypt, &key, Some(&[9; 16]), false).unwrap());
        let again = stream_of(AES_CBC, Direction::Encrypt, &key, None, false).unwrap();
        assert_eq!(run(again, b"", &[2; 32], &mut []), run(anew, b"", &[2; 32], &mut []));
    }

    #[test]
    fn operations_with_one_key_at_once_do_not_share_a_context() {
        let key = SecretKey::from(Bytes::from(&[1; 16][..]));
        let begin = || stream_of(AES_CTR, Direction::Encrypt, &key, Some(&[0; 16]), false).unwrap();
        let expected = run(begin(), b"", &[0; 20], &mut []);
        let mut both = [begin(), begin()];
        for stream in &mut both {
            let mut output = [0; 20];
            stream.update(&[0; 20], &mut output).unwrap();
            assert_eq!(output[..], expected);
        }
    }
}
