//! Symmetric ciphers: one table per mode, with one algorithm for each length of key.

pub use super::ffi::cipher::{Direction, Stream};

use super::{start, unexpected};
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
    /// Triple DES with two or three keys, electronic codebook.
    DES3_ECB = ["DES-EDE-ECB": 16, "DES-EDE3-ECB": 24];
    /// Triple DES with two or three keys, cipher block chaining.
    DES3_CBC = ["DES-EDE-CBC": 16, "DES-EDE3-CBC": 24];
}

/// The algorithm of `mode` for this key; `KeySizeRange` if there is none.
fn for_key(mode: Mode, key: &[u8]) -> Result<&'static CipherRef> {
    let algorithm = mode.iter().find(|algorithm| algorithm.key_length == key.len());
    let algorithm = algorithm.ok_or(Error::KeySizeRange)?;
    let fetch = || {
        start();
        Cipher::fetch(None, algorithm.name, None).map_err(unexpected)
    };
    Ok(algorithm.fetched.get_or_try_init(fetch)?)
}

/// Begins a cipher that yields output as input comes: block modes, stream modes and GCM. `padding`: PKCS#7, for block modes.
pub fn stream(
    mode: Mode,
    direction: Direction,
    key: &[u8],
    iv: Option<&[u8]>,
    padding: bool,
) -> Result<Stream> {
    Stream::new(for_key(mode, key)?, direction, key, iv, padding).map_err(unexpected)
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
