//! HMAC, CMAC and Poly1305.

use super::ffi::mac::Context;
use super::{Hash, start, unexpected};
use crate::error::{Error, Result};
use once_cell::sync::OnceCell;
use std::ffi::CStr;

/// A MAC algorithm with its digest or cipher.
///
/// A context that already has them is kept and copied for each use: naming them anew costs OpenSSL a fetch each time.
pub struct Algorithm {
    name: &'static CStr,
    /// Name and value of the one parameter, if there is one.
    parameter: Option<(&'static CStr, &'static CStr)>,
    /// The only length of key, if there is only one.
    key_length: Option<usize>,
    /// Whether a key is good for more than one message.
    reusable: bool,
    prepared: OnceCell<Context>,
}

const fn cmac(cipher: &'static CStr, key_length: usize) -> Algorithm {
    let parameter = Some((c"cipher", cipher));
    Algorithm {
        name: c"CMAC",
        parameter,
        key_length: Some(key_length),
        reusable: true,
        prepared: OnceCell::new(),
    }
}

const fn hmac(digest: &'static CStr) -> Algorithm {
    let parameter = Some((c"digest", digest));
    Algorithm { name: c"HMAC", parameter, key_length: None, reusable: true, prepared: OnceCell::new() }
}

/// AES-CMAC, for each length of key.
pub static AES_CMAC: [Algorithm; 3] =
    [cmac(c"AES-128-CBC", 16), cmac(c"AES-192-CBC", 24), cmac(c"AES-256-CBC", 32)];

/// CMAC with triple DES of two or three keys.
pub static DES3_CMAC: [Algorithm; 2] = [cmac(c"DES-EDE-CBC", 16), cmac(c"DES-EDE3-CBC", 24)];

/// Poly1305, whose key is good for one message.
pub static POLY1305: [Algorithm; 1] = [Algorithm {
    name: c"POLY1305",
    parameter: None,
    key_length: Some(32),
    reusable: false,
    prepared: OnceCell::new(),
}];

/// HMAC with `hash`.
pub fn hmac_with(hash: Hash) -> &'static [Algorithm] {
    // In the order of `Hash`.
    static HMAC: [Algorithm; 14] = [
        hmac(c"SHA1"),
        hmac(c"SHA224"),
        hmac(c"SHA256"),
        hmac(c"SHA384"),
        hmac(c"SHA512"),
        hmac(c"SHA512-224"),
        hmac(c"SHA512-256"),
        hmac(c"SHA3-224"),
        hmac(c"SHA3-256"),
        hmac(c"SHA3-384"),
        hmac(c"SHA3-512"),
        hmac(c"BLAKE2B-512"),
        hmac(c"MD5"),
        hmac(c"RIPEMD160"),
    ];
    std::slice::from_ref(&HMAC[hash as usize])
}

/// A MAC in progress.
pub struct Mac {
    context: Context,
    /// As [`Algorithm::reusable`].
    reusable: bool,
}

impl Mac {
    /// Begins a MAC with that one of `algorithms` that takes a key of this length (`KeySizeRange`).
    pub fn new(algorithms: &'static [Algorithm], key: &[u8]) -> Result<Self> {
        let takes = |algorithm: &&Algorithm| algorithm.key_length.is_none_or(|length| length == key.len());
        let algorithm = algorithms.iter().find(takes).ok_or(Error::KeySizeRange)?;
        let prepare = || {
            start();
            // OpenSSL copies only contexts that have had a key.
            let key = [0; 32];
            let key = &key[..algorithm.key_length.unwrap_or(key.len())];
            Context::new(algorithm.name, algorithm.parameter, key).map_err(unexpected)
        };
        let prepared = algorithm.prepared.get_or_try_init(prepare)?;
        let context = prepared.with_key(key).map_err(unexpected)?;
        Ok(Mac { context, reusable: algorithm.reusable })
    }

    /// Takes more input.
    pub fn update(&mut self, input: &[u8]) -> Result<()> {
        self.context.update(input).map_err(unexpected)
    }

    /// Writes the whole MAC; `output` is just as long as it is.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.context.finish(output).map_err(unexpected)
    }

    /// Begins anew with the same key; whether it can. Nothing is left of the last message.
    pub fn restart(&mut self) -> bool {
        self.reusable && self.context.restart().map_err(unexpected).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hmac_is_made_with_the_digest_it_is_asked_for() {
        for hash in Hash::all() {
            assert_eq!(hmac_with(hash)[0].parameter, Some((c"digest", hash.name())));
        }
    }
}
