//! AES-256-GCM in an HSM, with initialisation vectors of 128 random bits: that long, because 96 random bits would meet again after some billions
//! of messages under one key, which a busy service reaches in days (SP 800-38D, section 8.3).

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::types::Ulong;
use zeroize::Zeroizing;

use super::explained;
use crate::hsm::{Token, Trouble};

/// Bytes of the initialisation vector.
pub const IV: usize = 16;
/// Bytes of the tag.
pub const TAG: usize = 16;

/// Encrypts: IV, ciphertext, tag.
pub fn seal(token: &Token, key: ObjectHandle, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Trouble> {
    let mut iv = [0; IV];
    openssl::rand::rand_bytes(&mut iv).map_err(|e| Trouble::Other(e.to_string()))?;
    let sealed = token.with(|session| {
        let mut iv = iv;
        session.encrypt(&Mechanism::AesGcm(gcm(&mut iv, aad)?), key, plaintext)
    })?;
    Ok([&iv[..], &sealed].concat())
}

/// Decrypts what [`seal`] made.
///
/// # Errors
///
/// `BadData` if it was made by another key, with other associated data, or changed.
pub fn open(
    token: &Token,
    key: ObjectHandle,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    explained(decrypt(token, key, aad, sealed), || {
        let probe = seal(token, key, aad, b"probe")?;
        decrypt(token, key, aad, &probe)
    })
}

fn decrypt(
    token: &Token,
    key: ObjectHandle,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let Some((iv, sealed)) = sealed.split_first_chunk::<IV>().filter(|(_, rest)| rest.len() >= TAG) else {
        return Err(Trouble::BadData);
    };
    token.with(|session| {
        let mut iv = *iv;
        session.decrypt(&Mechanism::AesGcm(gcm(&mut iv, aad)?), key, sealed).map(Zeroizing::new)
    })
}

fn gcm<'a>(iv: &'a mut [u8], aad: &'a [u8]) -> Result<GcmParams<'a>, cryptoki::error::Error> {
    GcmParams::new(iv, aad, Ulong::new(128))
}
