//! EdDSA (PKCS#11 3.2, section 6.3; RFC 8032). It goes over the message twice, so all of it is collected first.

use super::curves::Curve;
use super::staged::{MEMORY_LIMIT, Staged};
use super::{Family, Key, Params, Signer, Verifier};
use crate::crypto::{ffi, unexpected};
use crate::error::{Error, Result};
use openssl::error::ErrorStack;
use openssl::md_ctx::MdCtx;
use openssl::pkey::{HasParams, Id, PKeyRef};
use openssl::pkey_ctx::PkeyCtxRef;
use std::ffi::CStr;

/// `CKM_EDDSA`.
pub struct Eddsa;

/// The longest context.
const LONGEST_CONTEXT: usize = 255;

/// The schemes of RFC 8032: curve, whether the message is hashed first, whether there is a context, and the name OpenSSL knows it by.
///
/// A parameter with neither flag nor context asks for Ed25519 itself, as no parameter does: an empty context is what the RFC advises against, and what
/// OpenSSL has no scheme for.
const SCHEMES: &[(Id, bool, bool, &CStr)] = &[
    (Id::ED25519, false, false, c"Ed25519"),
    (Id::ED25519, false, true, c"Ed25519ctx"),
    (Id::ED25519, true, false, c"Ed25519ph"),
    (Id::ED25519, true, true, c"Ed25519ph"),
    (Id::ED448, false, false, c"Ed448"),
    (Id::ED448, false, true, c"Ed448"),
    (Id::ED448, true, false, c"Ed448ph"),
    (Id::ED448, true, true, c"Ed448ph"),
];

/// A scheme with its context.
struct Scheme {
    name: &'static CStr,
    context: Vec<u8>,
}

impl Scheme {
    fn new<T: HasParams>(key: &PKeyRef<T>, params: &Params) -> Result<Scheme> {
        let (prehash, context) = match params {
            Params::None => (false, &[][..]),
            Params::Eddsa { prehash, context } if context.len() <= LONGEST_CONTEXT => {
                (*prehash, &context[..])
            }
            _ => return Err(Error::MechanismParamInvalid),
        };
        let wanted = (key.id(), prehash, !context.is_empty());
        let found = SCHEMES.iter().find(|(id, prehash, context, _)| (*id, *prehash, *context) == wanted);
        let (.., name) = found.ok_or(Error::KeyTypeInconsistent)?;
        Ok(Scheme { name, context: context.to_vec() })
    }

    fn choose<T>(&self, context: &mut PkeyCtxRef<T>) -> std::result::Result<(), ErrorStack> {
        ffi::pkey::set_eddsa_instance(context, self.name, &self.context)
    }
}

impl Family for Eddsa {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?.clone();
        let scheme = Scheme::new(&key, params)?;
        let size = 2 * Curve::of(&key)?.size;
        Ok(Box::new(Staged::signer(MEMORY_LIMIT, size, move |data: &[u8], output: &mut [u8]| {
            let mut context = MdCtx::new().map_err(unexpected)?;
            context.digest_sign_init(None, &key).and_then(|c| scheme.choose(c)).map_err(unexpected)?;
            context.digest_sign(data, Some(output)).map_err(unexpected)
        })))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?.clone();
        let scheme = Scheme::new(&key, params)?;
        let size = 2 * Curve::of(&key)?.size;
        Ok(Box::new(Staged::verifier(MEMORY_LIMIT, size, move |data: &[u8], signature: &[u8]| {
            let mut context = MdCtx::new().map_err(unexpected)?;
            context.digest_verify_init(None, &key).and_then(|c| scheme.choose(c)).map_err(unexpected)?;
            let valid = context.digest_verify(data, signature).unwrap_or(false);
            if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
        })))
    }
}
