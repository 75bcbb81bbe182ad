//! Key pair generation on all curves, and ECDSA (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::hashed::Hashed;
use super::material::{pair_type, public_half, required};
use super::staged::{MEMORY_LIMIT, Staged};
use super::{Family, Key, Params, Signer, Verifier};
use crate::attribute::Attributes;
use crate::crypto::{Hash, unexpected};
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;

/// Key pair generation on the curves whose keys have this `CKK_` number.
pub struct KeyPairGeneration(pub u64);

/// `CKM_ECDSA`: the caller gives the digest, which the order of the curve may cut.
pub struct Ecdsa;

/// ECDSA with this digest.
pub struct EcdsaWith(pub Hash);

impl Family for KeyPairGeneration {
    fn generate_pair(
        &self,
        _params: &Params,
        public: &Attributes,
        _private: &Attributes,
    ) -> Result<(Attributes, Attributes)> {
        let params = required(public, ck::CKA_EC_PARAMS)?;
        let curve = Curve::named(self.0, params)?;
        let pair = pair_type(self.0)?;
        let key = generate(curve).map_err(unexpected)?;
        let mut public = pair.public_parts(&*public_half(&key)?)?;
        let mut private = pair.private_parts(&key)?;
        // The pair's curve keeps the name the caller gave it.
        public.set(ck::CKA_EC_PARAMS, params);
        private.set(ck::CKA_EC_PARAMS, params);
        Ok((public, private))
    }
}

fn generate(curve: &Curve) -> std::result::Result<PKey<Private>, ErrorStack> {
    let mut context = PkeyCtx::new_id(curve.id)?;
    context.keygen_init()?;
    if curve.id == Id::EC {
        context.set_ec_paramgen_curve_nid(curve.nid)?;
    }
    context.keygen()
}

impl Family for Ecdsa {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?.clone();
        let half = Curve::of(&key)?.size;
        let run = move |digest: &[u8], output: &mut [u8]| sign(&key, half, digest, output);
        Ok(Box::new(Staged::signer(MEMORY_LIMIT, 2 * half, run)))
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?.clone();
        let size = 2 * Curve::of(&key)?.size;
        let run = move |digest: &[u8], signature: &[u8]| verify(&key, digest, signature);
        Ok(Box::new(ShorterToo(Staged::verifier(MEMORY_LIMIT, size, run))))
    }
}

impl Family for EcdsaWith {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?.clone();
        let half = Curve::of(&key)?.size;
        let run = move |digest: &[u8], output: &mut [u8]| sign(&key, half, digest, output);
        Ok(Box::new(Hashed::signer(self.0, 2 * half, run)?))
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?.clone();
        let size = 2 * Curve::of(&key)?.size;
        let run = move |digest: &[u8], signature: &[u8]| verify(&key, digest, signature);
        Ok(Box::new(ShorterToo(Hashed::verifier(self.0, size, run)?)))
    }
}

/// Signs a digest; `output` receives both numbers, each `half` bytes long.
fn sign(key: &PKeyRef<Private>, half: usize, digest: &[u8], output: &mut [u8]) -> Result<usize> {
    let mut context = PkeyCtx::new(key).map_err(unexpected)?;
    let mut encoded = Vec::new();
    context.sign_init().and_then(|()| context.sign_to_vec(digest, &mut encoded)).map_err(unexpected)?;
    let signature = EcdsaSig::from_der(&encoded).map_err(unexpected)?;
    let (r, s) = output.split_at_mut_checked(half).ok_or(Error::BufferTooSmall)?;
    for (number, place) in [(signature.r(), r), (signature.s(), s)] {
        let bytes = number.to_vec_padded(half as i32).map_err(unexpected)?;
        place.get_mut(..half).ok_or(Error::BufferTooSmall)?.copy_from_slice(&bytes);
    }
    Ok(2 * half)
}

/// Checks a signature over a digest: `SignatureInvalid` if it isn't one.
fn verify(key: &PKeyRef<Public>, digest: &[u8], signature: &[u8]) -> Result<()> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let encoded = BigNum::from_slice(r)
        .and_then(|r| EcdsaSig::from_private_components(r, BigNum::from_slice(s)?))
        .and_then(|signature| signature.to_der())
        .map_err(unexpected)?;
    let mut context = PkeyCtx::new(key).map_err(unexpected)?;
    context.verify_init().map_err(unexpected)?;
    if context.verify(digest, &encoded).unwrap_or(false) { Ok(()) } else { Err(Error::SignatureInvalid) }
}

/// A verifier that takes signatures of any even length up to its size (section 6.3.1): callers who don't know the curve
/// leave out zeros that both numbers begin with.
struct ShorterToo<V>(V);

impl<V: Verifier> Verifier for ShorterToo<V> {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.0.update(input)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn accepts(&self, length: usize) -> bool {
        length > 0 && length % 2 == 0 && length <= self.0.size()
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        self.0.finish(signature)
    }
}
