//! Signatures of ML-DSA and SLH-DSA, over messages and over digests of them (PKCS#11 3.2, sections 6.67 and 6.69).
//!
//! Both schemes differ in their keys alone: what is said of one here holds for the other.

use super::hashed::Hashed;
use super::parameter_set::ParameterSet;
use super::prehash::Prehash;
use super::staged::{MEMORY_LIMIT, Staged};
use super::{Family, Key, Params, Signer, Verifier};
use crate::crypto::{ffi, unexpected};
use crate::error::{Error, Result};
use openssl::md_ctx::MdCtx;
use openssl::pkey::{PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtxRef;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `CKM_ML_DSA` and `CKM_SLH_DSA`: the message itself.
pub struct Pure;

/// `CKM_HASH_ML_DSA` and `CKM_HASH_SLH_DSA`: the caller gives the digest, and says in the parameter which.
pub struct Digested;

/// `CKM_HASH_ML_DSA_SHA256` and its kin: the message is digested here.
pub struct HashedWith(pub Prehash);

/// Whether a signature takes randomness (`CK_HEDGE_TYPE`). It is the signer's choice; no verifier can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hedge {
    /// It may: we do.
    Preferred,
    /// It must.
    Required,
    /// It must not: equal messages get equal signatures.
    Deterministic,
}

/// The longest context.
const LONGEST_CONTEXT: usize = 255;

/// What OpenSSL signs.
#[derive(Clone)]
struct Scheme {
    context: Vec<u8>,
    /// The digest to be signed with its own prefix; `None`: the message as it is.
    prehash: Option<Prehash>,
    deterministic: bool,
}

impl Scheme {
    /// As a parameter that a caller may leave out wants it.
    fn new(prehash: Option<Prehash>, params: &Params) -> Result<Scheme> {
        match params {
            Params::None => Ok(Scheme { context: Vec::new(), prehash, deterministic: false }),
            Params::SignContext { hedge, context } => Scheme::with(prehash, *hedge, context),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// As a parameter wants it that names the digest.
    fn digested(params: &Params) -> Result<(Scheme, Prehash)> {
        match params {
            Params::HashSignContext { hedge, context, hash } => {
                Ok((Scheme::with(Some(*hash), *hedge, context)?, *hash))
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    fn with(prehash: Option<Prehash>, hedge: Hedge, context: &[u8]) -> Result<Scheme> {
        if context.len() > LONGEST_CONTEXT {
            return Err(Error::MechanismParamInvalid);
        }
        let deterministic = hedge == Hedge::Deterministic;
        Ok(Scheme { context: context.to_vec(), prehash, deterministic })
    }

    /// Signs a message or, where there is a prehash, a digest.
    fn sign(&self, key: &PKeyRef<Private>, data: &[u8], output: &mut [u8]) -> Result<usize> {
        let mut operation = MdCtx::new().map_err(unexpected)?;
        self.choose(operation.digest_sign_init(None, key).map_err(unexpected)?)?;
        operation.digest_sign(&self.encoded(data)?, Some(output)).map_err(unexpected)
    }

    /// Checks a signature over a message or, where there is a prehash, a digest.
    fn verify(&self, key: &PKeyRef<Public>, data: &[u8], signature: &[u8]) -> Result<()> {
        let mut operation = MdCtx::new().map_err(unexpected)?;
        self.choose(operation.digest_verify_init(None, key).map_err(unexpected)?)?;
        let valid = operation.digest_verify(&self.encoded(data)?, signature).unwrap_or(false);
        if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
    }

    /// OpenSSL encodes messages; what stands for a digest it takes as it is.
    fn choose<T>(&self, settings: &mut PkeyCtxRef<T>) -> Result<()> {
        let (context, encoded) = match self.prehash {
            Some(_) => (&[][..], true),
            None => (&self.context[..], false),
        };
        ffi::pkey::set_message_encoding(settings, context, encoded, self.deterministic).map_err(unexpected)
    }

    fn encoded<'a>(&self, data: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let Some(prehash) = self.prehash else { return Ok(Cow::Borrowed(data)) };
        prehash.represent(&self.context, data).map(Cow::Owned).ok_or(Error::MechanismParamInvalid)
    }
}

impl Family for Pure {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let (scheme, key) = (Scheme::new(None, params)?, key.private()?.clone());
        let size = signature_size(&key)?;
        let run = move |data: &[u8], output: &mut [u8]| scheme.sign(&key, data, output);
        Ok(Box::new(Staged::signer(MEMORY_LIMIT, size, run).again(params)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let (scheme, key) = (Scheme::new(None, params)?, key.public()?.clone());
        let size = signature_size(&key)?;
        let run = move |data: &[u8], signature: &[u8]| scheme.verify(&key, data, signature);
        Ok(Box::new(Staged::verifier(MEMORY_LIMIT, size, run).again(params)))
    }
}

impl Family for Digested {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let ((scheme, prehash), key) = (Scheme::digested(params)?, key.private()?.clone());
        let (size, length) = (signature_size(&key)?, prehash.size());
        let run =
            move |digest: &[u8], output: &mut [u8]| scheme.sign(&key, of_length(digest, length)?, output);
        Ok(Box::new(Staged::signer(length, size, run)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let ((scheme, prehash), key) = (Scheme::digested(params)?, key.public()?.clone());
        let (size, length) = (signature_size(&key)?, prehash.size());
        let run =
            move |digest: &[u8], signature: &[u8]| scheme.verify(&key, of_length(digest, length)?, signature);
        Ok(Box::new(Staged::verifier(length, size, run)))
    }
}

impl Family for HashedWith {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let (scheme, key) = (Scheme::new(Some(self.0), params)?, key.private()?.clone());
        let size = signature_size(&key)?;
        let run = move |digest: &[u8], output: &mut [u8]| scheme.sign(&key, digest, output);
        Ok(match self.0 {
            Prehash::Fixed(hash) => Box::new(Hashed::signer(hash, size, run)?),
            shake => Box::new(Staged::signer(MEMORY_LIMIT, size, move |data: &[u8], output: &mut [u8]| {
                run(&shake.digest(data)?, output)
            })),
        })
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let (scheme, key) = (Scheme::new(Some(self.0), params)?, key.public()?.clone());
        let size = signature_size(&key)?;
        let run = move |digest: &[u8], signature: &[u8]| scheme.verify(&key, digest, signature);
        Ok(match self.0 {
            Prehash::Fixed(hash) => Box::new(Hashed::verifier(hash, size, run)?),
            shake => Box::new(Staged::verifier(MEMORY_LIMIT, size, move |data: &[u8], signature: &[u8]| {
                run(&shake.digest(data)?, signature)
            })),
        })
    }
}

fn signature_size<T>(key: &PKeyRef<T>) -> Result<usize> {
    ParameterSet::of(key).map(|set| set.output).ok_or(Error::KeyTypeInconsistent)
}

fn of_length(digest: &[u8], length: usize) -> Result<&[u8]> {
    if digest.len() == length { Ok(digest) } else { Err(Error::DataLenRange) }
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{pqc, sign, verify};
    use super::*;
    use crate::crypto::Hash;
    use cryptoki_sys as ck;

    /// The mechanisms of ML-DSA and those of SLH-DSA: pure, over a given digest, with SHA-256.
    const BOTH: [(u64, u64, [u64; 3]); 2] = [
        (
            ck::CKK_ML_DSA,
            ck::CKP_ML_DSA_44,
            [ck::CKM_ML_DSA, ck::CKM_HASH_ML_DSA, ck::CKM_HASH_ML_DSA_SHA256],
        ),
        (
            ck::CKK_SLH_DSA,
            ck::CKP_SLH_DSA_SHA2_128F,
            [ck::CKM_SLH_DSA, ck::CKM_HASH_SLH_DSA, ck::CKM_HASH_SLH_DSA_SHA256],
        ),
    ];

    fn with_context(hedge: Hedge, context: &[u8]) -> Params {
        Params::SignContext { hedge, context: context.to_vec() }
    }

    fn digested(hash: Prehash, context: &[u8]) -> Params {
        Params::HashSignContext { hedge: Hedge::Deterministic, context: context.to_vec(), hash }
    }

    #[test]
    fn only_a_deterministic_signature_comes_again() {
        for (key_type, set, [pure, ..]) in BOTH {
            let (public, private) = pqc(key_type, set);
            let made = |params: &Params| {
                let signature = sign(pure, params, &private, b"message").unwrap();
                // No verifier cares how it was made.
                for params in [Params::None, with_context(Hedge::Deterministic, b"")] {
                    assert_eq!(verify(pure, &params, &public, b"message", &signature), Ok(()));
                }
                signature
            };
            let fixed = with_context(Hedge::Deterministic, b"");
            assert_eq!(made(&fixed), made(&fixed));
            for hedged in
                [Params::None, with_context(Hedge::Preferred, b""), with_context(Hedge::Required, b"")]
            {
                assert_ne!(made(&hedged), made(&hedged));
            }
        }
    }

    #[test]
    fn forms_contexts_and_digests_do_not_mix() {
        let sha256 = Prehash::Fixed(Hash::Sha256);
        let message = openssl::sha::sha256(b"a message that is a digest itself");
        for (key_type, set, [pure, given, hashing]) in BOTH {
            let (public, private) = pqc(key_type, set);
            let all = [
                (pure, Params::None),
                (pure, with_context(Hedge::Preferred, b"one")),
                (pure, with_context(Hedge::Preferred, &[2; 255])),
                (given, digested(sha256, b"")),
                (given, digested(sha256, b"one")),
                (given, digested(Prehash::Fixed(Hash::Sha3_256), b"")),
                (hashing, Params::None),
                (hashing, with_context(Hedge::Preferred, b"one")),
            ];
            let signatures: Vec<_> =
                all.iter().map(|(id, params)| sign(*id, params, &private, &message).unwrap()).collect();
            for (at, (id, params)) in all.iter().enumerate() {
                for (other, signature) in signatures.iter().enumerate() {
                    let expected = if at == other { Ok(()) } else { Err(Error::SignatureInvalid) };
                    assert_eq!(verify(*id, params, &public, &message, signature), expected, "{at} {other}");
                }
            }
        }
    }

    #[test]
    fn a_digest_made_elsewhere_is_signed_as_one_made_here() {
        for (key_type, set, [_, given, hashing]) in BOTH {
            let (public, private) = pqc(key_type, set);
            let params = digested(Prehash::Fixed(Hash::Sha256), b"context");
            let signature = sign(given, &params, &private, &openssl::sha::sha256(b"message")).unwrap();
            let params = with_context(Hedge::Preferred, b"context");
            assert_eq!(verify(hashing, &params, &public, b"message", &signature), Ok(()));
        }
    }

    #[test]
    fn wrong_lengths_and_contexts_are_refused() {
        for (key_type, set, [pure, given, hashing]) in BOTH {
            let (public, private) = pqc(key_type, set);
            for id in [pure, hashing] {
                let too_long = with_context(Hedge::Preferred, &[0; 256]);
                assert_eq!(sign(id, &too_long, &private, b""), Err(Error::MechanismParamInvalid));
                assert_eq!(verify(id, &too_long, &public, b"", b""), Err(Error::MechanismParamInvalid));
            }
            let sha384 = digested(Prehash::Fixed(Hash::Sha384), b"");
            for length in [0, 32, 47, 49] {
                assert_eq!(sign(given, &sha384, &private, &vec![1; length]), Err(Error::DataLenRange));
            }
            assert_eq!(sign(given, &Params::None, &private, &[1; 32]), Err(Error::MechanismParamInvalid));
            let signature = sign(pure, &Params::None, &private, b"message").unwrap();
            let check = |signature: &[u8]| verify(pure, &Params::None, &public, b"message", signature);
            assert_eq!(check(&signature[1..]), Err(Error::SignatureLenRange));
            assert_eq!(check(&vec![0; signature.len()]), Err(Error::SignatureInvalid));
            assert_eq!(check(&signature), Ok(()));
        }
    }
}
