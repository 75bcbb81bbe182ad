//! Key agreement on Weierstrass and Montgomery curves (PKCS#11 3.2, section 6.3).

use super::curves::Curve;
use super::material::SecretType;
use super::{Family, Key, Params, Wanted, ec_key, point};
use crate::attribute::Bytes;
use crate::crypto::{ffi, unexpected};
use crate::error::{Error, Result};
use openssl::derive::Deriver;

/// `CKM_ECDH1_DERIVE` and `CKM_ECDH1_COFACTOR_DERIVE`, which are one: the Weierstrass curves we have are of prime order, so there is no cofactor to
/// multiply by.
pub struct Ecdh;

impl Family for Ecdh {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let Params::Ecdh { kdf, shared, public } = params else {
            return Err(Error::MechanismParamInvalid);
        };
        if kdf.is_none() && !shared.is_empty() {
            return Err(Error::MechanismParamInvalid);
        }
        let secret = agree(base, public)?;
        match kdf {
            None => cut(secret, wanted),
            Some(hash) => {
                let mut derived = Bytes::zeroed(wanted_length(wanted)?);
                ffi::pkey::x963_kdf(hash.name(), &secret, shared, &mut derived).map_err(unexpected)?;
                Ok(derived)
            }
        }
    }
}

/// The shared secret: the x coordinate, or what X25519 and X448 yield. A point that is not on the curve, or
/// leads to nothing (a small order), is `PublicKeyInvalid`.
fn agree(base: Key<'_>, public: &[u8]) -> Result<Bytes> {
    let key = base.private()?;
    let curve = Curve::of(key)?;
    let bare = point::bare(curve, public).ok_or(Error::MechanismParamInvalid)?;
    let peer = ec_key::public_key(curve, bare)?;
    let mut deriver = Deriver::new(key).map_err(unexpected)?;
    deriver.set_peer(&peer).map_err(|_| Error::PublicKeyInvalid)?;
    deriver.derive_to_vec().map(Bytes::new).map_err(|_| Error::PublicKeyInvalid)
}

/// How much a derivation function is to yield: only it has no length of its own.
fn wanted_length(wanted: Wanted) -> Result<usize> {
    let fixed = || SecretType::find(wanted.key_type).ok()?.only_length();
    wanted.length.or_else(fixed).ok_or(Error::TemplateIncomplete)
}

/// The end of a secret, as long as wanted or as the new key's type allows: what is cut is its beginning. A key longer than the secret is
/// `TemplateInconsistent`.
fn cut(secret: Bytes, wanted: Wanted) -> Result<Bytes> {
    let length = match wanted.length {
        Some(length) => Some(length),
        None => SecretType::find(wanted.key_type)?.longest_within(secret.len()),
    };
    let start = length.and_then(|length| secret.len().checked_sub(length));
    start.map(|start| Bytes::from(&secret[start..])).ok_or(Error::TemplateInconsistent)
}
