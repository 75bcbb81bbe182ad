//! DSA, for old data (PKCS#11 3.2, section 6.2).

use super::hashed::Hashed;
use super::staged::Staged;
use super::{Family, Key, Params, Signer, Verifier};
use crate::crypto::{Hash, unexpected};
use crate::error::{Error, Result};
use openssl::bn::BigNum;
use openssl::dsa::DsaSig;
use openssl::pkey::{HasParams, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;

/// `CKM_DSA`: the caller gives the digest, which the subprime may cut.
pub struct Dsa;

/// DSA with this digest.
pub struct DsaWith(pub Hash);

/// A digest that somebody made elsewhere is no longer than this.
const LONGEST_DIGEST: usize = Hash::MAX_SIZE;

impl Family for Dsa {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?.clone();
        let half = half(&key)?;
        let run = move |digest: &[u8], output: &mut [u8]| sign(&key, half, digest, output);
        Ok(Box::new(Staged::signer(LONGEST_DIGEST, 2 * half, run)))
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?.clone();
        let size = 2 * half(&key)?;
        let run = move |digest: &[u8], signature: &[u8]| verify(&key, digest, signature);
        Ok(Box::new(Staged::verifier(LONGEST_DIGEST, size, run)))
    }
}

impl Family for DsaWith {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?.clone();
        let half = half(&key)?;
        let run = move |digest: &[u8], output: &mut [u8]| sign(&key, half, digest, output);
        Ok(Box::new(Hashed::signer(self.0, 2 * half, run)?))
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?.clone();
        let size = 2 * half(&key)?;
        let run = move |digest: &[u8], signature: &[u8]| verify(&key, digest, signature);
        Ok(Box::new(Hashed::verifier(self.0, size, run)?))
    }
}

/// Bytes of each of a signature's two numbers.
fn half<T: HasParams>(key: &PKeyRef<T>) -> Result<usize> {
    Ok(key.dsa().map_err(unexpected)?.q().num_bytes() as usize)
}

/// Signs a digest; `output` receives both numbers, each `half` bytes long.
fn sign(key: &PKeyRef<Private>, half: usize, digest: &[u8], output: &mut [u8]) -> Result<usize> {
    let mut context = PkeyCtx::new(key).map_err(unexpected)?;
    let mut encoded = Vec::new();
    context.sign_init().and_then(|()| context.sign_to_vec(digest, &mut encoded)).map_err(unexpected)?;
    let signature = DsaSig::from_der(&encoded).map_err(unexpected)?;
    for (number, place) in [signature.r(), signature.s()].into_iter().zip(output.chunks_exact_mut(half)) {
        place.copy_from_slice(&number.to_vec_padded(half as i32).map_err(unexpected)?);
    }
    Ok(2 * half)
}

/// Checks a signature over a digest: `SignatureInvalid` if it isn't one.
fn verify(key: &PKeyRef<Public>, digest: &[u8], signature: &[u8]) -> Result<()> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let encoded = BigNum::from_slice(r)
        .and_then(|r| DsaSig::from_private_components(r, BigNum::from_slice(s)?))
        .and_then(|signature| signature.to_der())
        .map_err(unexpected)?;
    let mut context = PkeyCtx::new(key).map_err(unexpected)?;
    context.verify_init().map_err(unexpected)?;
    if context.verify(digest, &encoded).unwrap_or(false) { Ok(()) } else { Err(Error::SignatureInvalid) }
}
