//! HMAC, CMAC and Poly1305.

use super::ffi::mac::Context;
use super::{Hash, Lent, SecretKey, start, unexpected};
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

/// Which algorithm.
#[derive(Clone, Copy)]
pub struct Name(&'static Algorithm);

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
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
    context: Lent<Context>,
}

impl Mac {
    /// Begins a MAC with that one of `algorithms` that takes a key of this length (`KeySizeRange`).
    pub fn new(algorithms: &'static [Algorithm], key: &[u8]) -> Result<Self> {
        Ok(Mac { context: Mac::prepared(Mac::algorithm(algorithms, key)?, key)?.into() })
    }

    /// The same with a key that keeps its contexts.
    pub fn of(algorithms: &'static [Algorithm], key: &SecretKey) -> Result<Self> {
        let algorithm = Mac::algorithm(algorithms, key)?;
        if !algorithm.reusable {
            return Mac::new(algorithms, key);
        }
        let (idle, name) = (key.macs(), Name(algorithm));
        let context = match idle.take(name) {
            Some(context) => context,
            None => idle.lend(name, Mac::prepared(algorithm, key)?),
        };
        Ok(Mac { context })
    }

    fn algorithm(algorithms: &'static [Algorithm], key: &[u8]) -> Result<&'static Algorithm> {
        let takes = |algorithm: &&Algorithm| algorithm.key_length.is_none_or(|length| length == key.len());
        algorithms.iter().find(takes).ok_or(Error::KeySizeRange)
    }

    /// A context that has the key.
    fn prepared(algorithm: &'static Algorithm, key: &[u8]) -> Result<Context> {
        let prepare = || {
            start();
            // OpenSSL copies only contexts that have had a key.
            let key = [0; 32];
            let key = &key[..algorithm.key_length.unwrap_or(key.len())];
            Context::new(algorithm.name, algorithm.parameter, key).map_err(unexpected)
        };
        let prepared = algorithm.prepared.get_or_try_init(prepare)?;
        prepared.with_key(key).map_err(unexpected)
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
        self.context.is_kept() && self.context.restart().map_err(unexpected).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Bytes;

    #[test]
    fn every_hmac_is_made_with_the_digest_it_is_asked_for() {
        for hash in Hash::all() {
            assert_eq!(hmac_with(hash)[0].parameter, Some((c"digest", hash.name())));
        }
    }

    fn whole(mut mac: Mac, size: usize, data: &[u8]) -> Vec<u8> {
        let mut output = vec![0; size];
        data.chunks(5).for_each(|piece| mac.update(piece).unwrap());
        mac.finish(&mut output).unwrap();
        output
    }

    #[test]
    fn a_context_used_before_works_as_a_new_one_does_whatever_it_was_used_for() {
        let hmacs = Hash::all().map(|hash| (hmac_with(hash), hash.size(), 40));
        let cmacs = [16, 24, 32].map(|length| (&AES_CMAC[..], 16, length));
        let others = [(&DES3_CMAC[..], 8, 24), (&POLY1305[..], 16, 32)];
        for (algorithms, size, length) in hmacs.chain(cmacs).chain(others) {
            let bytes: Vec<u8> = (0..length).collect();
            let key = SecretKey::from(Bytes::from(&bytes[..]));
            for round in 0..4 {
                let data = vec![round; 33 + usize::from(round)];
                // One that ends in the middle, and two at once.
                Mac::of(algorithms, &key).unwrap().update(b"never finished").unwrap();
                let (mut beside, again) =
                    (Mac::of(algorithms, &key).unwrap(), Mac::of(algorithms, &key).unwrap());
                beside.update(b"other data").unwrap();
                let expected = whole(Mac::new(algorithms, &bytes).unwrap(), size, &data);
                assert_eq!(
                    whole(again, size, &data),
                    expected,
                    "{:?}, round {round}",
                    algorithms[0].parameter
                );
            }
        }
    }
}
