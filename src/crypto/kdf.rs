//! Key derivation functions. What was checked before fails only with `FunctionFailed`.

use super::ffi::kdf::{Param, derive};
use super::{Hash, start, unexpected};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::ffi::CStr;

fn run(name: &CStr, params: &mut [(&CStr, Param<'_>)], output: &mut [u8]) -> Result<()> {
    start();
    derive(name, params, output).map_err(unexpected)
}

/// ANSI X9.63: from a shared `secret` and `info`.
pub fn x963(hash: Hash, secret: &[u8], info: &[u8], output: &mut [u8]) -> Result<()> {
    let params = &mut [
        (c"digest", Param::Text(hash.name())),
        (c"key", Param::Octets(secret)),
        (c"info", Param::Octets(info)),
    ];
    run(c"X963KDF", params, output)
}

/// SP 800-56C, the one-step function with a digest (section 5.8.1 of older editions of SP 800-56A): from a shared `secret` and `info`.
pub fn one_step(hash: Hash, secret: &[u8], info: &[u8], output: &mut [u8]) -> Result<()> {
    let params = &mut [
        (c"digest", Param::Text(hash.name())),
        (c"key", Param::Octets(secret)),
        (c"info", Param::Octets(info)),
    ];
    run(c"SSKDF", params, output)
}

/// How keys come from what two sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgreementKdf {
    /// [`x963`].
    X963(Hash),
    /// [`one_step`].
    OneStep(Hash),
}

impl AgreementKdf {
    /// Fills `output` from a shared `secret` and `info`.
    pub fn run(self, secret: &[u8], info: &[u8], output: &mut [u8]) -> Result<()> {
        match self {
            AgreementKdf::X963(hash) => x963(hash, secret, info, output),
            AgreementKdf::OneStep(hash) => one_step(hash, secret, info, output),
        }
    }
}

/// The first half of HKDF (RFC 5869, section 2.2). `output` is as long as the digest; an empty salt is one of zeros.
pub fn hkdf_extract(hash: Hash, salt: &[u8], key: &[u8], output: &mut [u8]) -> Result<()> {
    let params = &mut [
        (c"mode", Param::Text(c"EXTRACT_ONLY")),
        (c"digest", Param::Text(hash.name())),
        (c"key", Param::Octets(key)),
        (c"salt", Param::Octets(salt)),
    ];
    run(c"HKDF", params, output)
}

/// The second half of HKDF (RFC 5869, section 2.3). `output` is at most 255 digests long.
pub fn hkdf_expand(hash: Hash, key: &[u8], info: &[u8], output: &mut [u8]) -> Result<()> {
    let params = &mut [
        (c"mode", Param::Text(c"EXPAND_ONLY")),
        (c"digest", Param::Text(hash.name())),
        (c"key", Param::Octets(key)),
        (c"info", Param::Octets(info)),
    ];
    run(c"HKDF", params, output)
}

/// PBKDF2 with HMAC (RFC 8018, section 5.2).
pub fn pbkdf2(hash: Hash, password: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) -> Result<()> {
    let params = &mut [
        // Without the lower limits of SP 800-132: old data has shorter salts and fewer iterations.
        (c"pkcs5", Param::Uint(1)),
        (c"digest", Param::Text(hash.name())),
        (c"pass", Param::Octets(password)),
        (c"salt", Param::Octets(salt)),
        (c"iter", Param::Uint(iterations)),
    ];
    run(c"PBKDF2", params, output)
}

/// The pseudo-random function of a version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsPrf {
    /// TLS 1.0 and 1.1: MD5 and SHA-1 together (RFC 2246, section 5).
    Old,
    /// TLS 1.2, with the digest of the cipher suite (RFC 5246, section 5).
    With(Hash),
}

impl TlsPrf {
    /// Fills `output` from a secret and the parts of a seed, of which the label is the first.
    pub fn run(self, secret: &[u8], seed: &[&[u8]], output: &mut [u8]) -> Result<()> {
        let digest = match self {
            TlsPrf::Old => c"MD5-SHA1",
            TlsPrf::With(hash) => hash.name(),
        };
        let seed = seed.concat();
        let params = &mut [
            (c"digest", Param::Text(digest)),
            (c"secret", Param::Octets(secret)),
            (c"seed", Param::Octets(&seed)),
        ];
        run(c"TLS1-PRF", params, output)
    }
}
