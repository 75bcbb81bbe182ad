//! The RSA mechanisms (PKCS#11 3.2, section 6.1).

use super::hashed::Hashed;
use super::material::{PairType, public_half};
use super::rsa_block::Scheme;
pub use super::rsa_key::SIZES;
use super::rsa_key::{self, RsaType};
use super::staged::Staged;
use super::{Cipher, Family, Key, Params, Signer, Verifier, wrapping};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::{Hash, unexpected};
use crate::error::{Error, Result};
use crate::output::Size;
use cryptoki_sys as ck;
use openssl::bn::BigNum;
use openssl::pkey::{Id, PKey, Private};
use openssl::pkey_ctx::PkeyCtx;

/// Key pair generation. The primes of X9.31 have conditions of their own, which were to help against factoring methods that no longer matter; its mechanism
/// makes ordinary keys.
pub struct KeyPairGeneration;

/// `CKM_RSA_PKCS`.
pub static PKCS1: Plain = Plain(|_| Ok(Scheme::Pkcs1(None)));
/// `CKM_RSA_X_509`.
pub static RAW: Plain = Plain(|_| Ok(Scheme::Raw));
/// `CKM_RSA_PKCS_OAEP`.
pub static OAEP: Plain = Plain(Scheme::oaep);
/// `CKM_RSA_PKCS_PSS`.
pub static PSS: Plain = Plain(Scheme::pss);

/// A mechanism that applies a scheme to what the caller gives: data, a key, or a digest made elsewhere.
pub struct Plain(fn(&Params) -> Result<Scheme>);

/// PKCS#1 v1.5 signatures with this digest.
pub struct Pkcs1With(pub Hash);

/// PSS signatures with this digest, which the parameter must name too.
pub struct PssWith(pub Hash);

impl Family for KeyPairGeneration {
    fn generate_pair(
        &self,
        _params: &Params,
        public: &Attributes,
        _private: &Attributes,
    ) -> Result<(Attributes, Attributes)> {
        let bits = public.ulong(ck::CKA_MODULUS_BITS).ok_or(Error::TemplateIncomplete)?;
        if !(SIZES.0..=SIZES.1).contains(&bits) || bits % 8 != 0 {
            return Err(Error::AttributeValueInvalid);
        }
        let exponent = rsa_key::wanted_exponent(public)?;
        let key = generate(bits as u32, &exponent).map_err(unexpected)?;
        Ok((RsaType.public_parts(&*public_half(&key)?)?, RsaType.private_parts(&key)?))
    }
}

fn generate(bits: u32, exponent: &BigNum) -> std::result::Result<PKey<Private>, openssl::error::ErrorStack> {
    let mut context = PkeyCtx::new_id(Id::RSA)?;
    context.keygen_init()?;
    context.set_rsa_keygen_bits(bits)?;
    context.set_rsa_keygen_pubexp(exponent)?;
    context.keygen()
}

impl Family for Plain {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], output: &mut [u8]| scheme.encrypt(&key, data, output);
        Ok(Box::new(Staged::cipher(limit, Error::DataLenRange, move |_| Size::Exact(size), run)))
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (longest, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |block: &[u8], output: &mut [u8]| copy(&scheme.decrypt(&key, block)?, output);
        let told = move |_| Size::AtMost(longest);
        Ok(Box::new(Staged::cipher(size, Error::EncryptedDataLenRange, told, run)))
    }

    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        Ok(Box::new(Staged::signer(limit, size, move |data: &[u8], output: &mut [u8]| {
            scheme.sign(&key, data, output)
        })))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        Ok(Box::new(Staged::verifier(limit, size, move |data: &[u8], signature: &[u8]| {
            scheme.verify(&key, data, signature)
        })))
    }

    fn sign_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.private()?.clone());
        let (limit, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |data: &[u8], output: &mut [u8]| scheme.sign(&key, data, output);
        Ok(Box::new(Staged::cipher(limit, Error::DataLenRange, move |_| Size::Exact(size), run)))
    }

    fn verify_recover(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let (scheme, key) = ((self.0)(params)?, key.public()?.clone());
        let (longest, size) = (scheme.longest(key.bits())?, key.size());
        let run = move |signature: &[u8], output: &mut [u8]| copy(&scheme.recover(&key, signature)?, output);
        let told = move |_| Size::AtMost(longest);
        Ok(Box::new(Staged::cipher(size, Error::SignatureLenRange, told, run)))
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}

/// Writes a result to the caller's place, which has room for the longest.
fn copy(result: &[u8], output: &mut [u8]) -> Result<usize> {
    let place = output.get_mut(..result.len()).ok_or(Error::BufferTooSmall)?;
    place.copy_from_slice(result);
    Ok(result.len())
}

impl Family for Pkcs1With {
    fn sign(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Signer>> {
        sign_digest(self.0, Scheme::Pkcs1(Some(self.0)), key)
    }

    fn verify(&self, key: Key<'_>, _params: &Params) -> Result<Box<dyn Verifier>> {
        verify_digest(self.0, Scheme::Pkcs1(Some(self.0)), key)
    }
}

impl PssWith {
    fn scheme(&self, params: &Params) -> Result<Scheme> {
        match params {
            Params::Pss { hash, .. } if *hash == self.0 => Scheme::pss(params),
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

impl Family for PssWith {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        sign_digest(self.0, self.scheme(params)?, key)
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        verify_digest(self.0, self.scheme(params)?, key)
    }
}

fn sign_digest(hash: Hash, scheme: Scheme, key: Key<'_>) -> Result<Box<dyn Signer>> {
    let key = key.private()?.clone();
    scheme.longest(key.bits())?;
    let size = key.size();
    let run = move |digest: &[u8], output: &mut [u8]| scheme.sign(&key, digest, output);
    Ok(Box::new(Hashed::signer(hash, size, run)?))
}

fn verify_digest(hash: Hash, scheme: Scheme, key: Key<'_>) -> Result<Box<dyn Verifier>> {
    let key = key.public()?.clone();
    scheme.longest(key.bits())?;
    let size = key.size();
    let run = move |digest: &[u8], signature: &[u8]| scheme.verify(&key, digest, signature);
    Ok(Box::new(Hashed::verifier(hash, size, run)?))
}
