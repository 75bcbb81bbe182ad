//! Diffie-Hellman key agreement and key pairs modulo a prime, of either kind (PKCS#11 3.2, section 6.4).

use super::material::PairType;
use super::prime_key::{Group, PrimeType};
use super::{Family, Key, NewPair, Params, Wanted, encapsulated, secret};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::kdf::AgreementKdf;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::{BigNum, BigNumRef};
use openssl::pkey::{PKeyRef, Private};

/// Makes pairs in the group that the public key's template has.
pub(super) struct PairGeneration(pub PrimeType);

/// Agrees on a secret, with a peer or, in an encapsulation, with the owner of a public key.
pub(super) struct Agreement(pub PrimeType);

impl Family for PairGeneration {
    fn generate_pair(&self, _params: &Params, public: &Attributes, private: &Attributes) -> Result<NewPair> {
        let group = self.0.group(public)?;
        let key = self.0.generate(&group, private.ulong(ck::CKA_VALUE_BITS))?;
        let private = self.0.private_parts(&key)?;
        let mut public = private.clone();
        let y = match self.0 {
            PrimeType::Dsa => key.dsa().map_err(unexpected)?.pub_key().to_vec(),
            PrimeType::Dh | PrimeType::X942 => key.dh().map_err(unexpected)?.public_key().to_vec(),
        };
        public.set(ck::CKA_VALUE, y);
        Ok(NewPair::new(public, private))
    }
}

impl Family for Agreement {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let (public, function) = said(params)?;
        let (group, y) = (self.0.group(base.attributes)?, number(public)?);
        self.0.public_key(&group, &y).map_err(|_| Error::MechanismParamInvalid)?;
        agreed(base.private()?, &group, &y, function, wanted)
    }

    fn ciphertext_size(&self, key: Key<'_>, params: &Params) -> Result<usize> {
        said_of_no_peer(params)?;
        Ok(self.0.group(key.attributes)?.bytes())
    }

    fn encapsulate(
        &self,
        key: Key<'_>,
        params: &Params,
        wanted: Wanted,
        ciphertext: &mut [u8],
    ) -> Result<Bytes> {
        let function = said_of_no_peer(params)?;
        let group = self.0.group(key.attributes)?;
        let ephemeral = self.0.generate(&group, None)?;
        let own = ephemeral.dh().map_err(unexpected)?;
        let public = own.public_key().to_vec_padded(group.bytes() as i32).map_err(unexpected)?;
        let peer = key.public()?.dh().map_err(unexpected)?;
        let secret = agreed(&ephemeral, &group, peer.public_key(), function, wanted)?;
        encapsulated(&public, ciphertext)?;
        Ok(secret)
    }

    fn decapsulate(&self, key: Key<'_>, params: &Params, ciphertext: &[u8], wanted: Wanted) -> Result<Bytes> {
        let function = said_of_no_peer(params)?;
        let group = self.0.group(key.attributes)?;
        if ciphertext.len() != group.bytes() {
            return Err(Error::WrappedKeyLenRange);
        }
        let y = number(ciphertext)?;
        self.0.public_key(&group, &y).map_err(|_| Error::WrappedKeyInvalid)?;
        agreed(key.private()?, &group, &y, function, wanted)
    }
}

/// A derivation function, and what both sides share for it.
type Function<'a> = (Option<AgreementKdf>, &'a [u8]);

/// The other side's public value, and the derivation function.
fn said(params: &Params) -> Result<(&[u8], Function<'_>)> {
    match params {
        Params::StringData(public) => Ok((public, (None, &[]))),
        Params::Ecdh { kdf, shared, public } => Ok((public, (*kdf, shared))),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The same for an encapsulation, where the other side's value is the public key or the ciphertext, not part of the parameter.
fn said_of_no_peer(params: &Params) -> Result<Function<'_>> {
    match said(params)? {
        ([], function) => Ok(function),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn number(bytes: &[u8]) -> Result<BigNum> {
    BigNum::from_slice(bytes).map_err(unexpected)
}

/// What `key` and the public value `y`, which is one of the group's, agree on.
fn agreed(
    key: &PKeyRef<Private>,
    group: &Group,
    y: &BigNumRef,
    function: Function<'_>,
    wanted: Wanted,
) -> Result<Bytes> {
    let agreed = Bytes::new(key.dh().map_err(unexpected)?.compute_key(y).map_err(unexpected)?);
    // As long as the prime: OpenSSL leaves out zeros at the beginning.
    let mut secret = Bytes::zeroed(group.bytes());
    let start = secret.len() - agreed.len();
    secret[start..].copy_from_slice(&agreed);
    // What is cut is its beginning (section 6.4.13).
    secret::of_agreement(secret, function, wanted)
}
