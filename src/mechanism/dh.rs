//! Diffie-Hellman key agreement and key pairs modulo a prime, of either kind (PKCS#11 3.2, section 6.4).

use super::material::PairType;
use super::prime_key::PrimeType;
use super::{Family, Key, Params, Wanted, secret};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::bn::BigNum;

/// Makes pairs in the group that the public key's template has.
pub(super) struct PairGeneration(pub PrimeType);

/// Agrees on a secret.
pub(super) struct Agreement(pub PrimeType);

impl Family for PairGeneration {
    fn generate_pair(
        &self,
        _params: &Params,
        public: &Attributes,
        private: &Attributes,
    ) -> Result<(Attributes, Attributes)> {
        let group = self.0.group(public)?;
        let key = self.0.generate(&group, private.ulong(ck::CKA_VALUE_BITS))?;
        let private = self.0.private_parts(&key)?;
        let mut public = private.clone();
        let y = match self.0 {
            PrimeType::Dsa => key.dsa().map_err(unexpected)?.pub_key().to_vec(),
            PrimeType::Dh | PrimeType::X942 => key.dh().map_err(unexpected)?.public_key().to_vec(),
        };
        public.set(ck::CKA_VALUE, y);
        Ok((public, private))
    }
}

impl Family for Agreement {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let (public, function) = match params {
            Params::StringData(public) => (public, (None, &[][..])),
            Params::Ecdh { kdf, shared, public } => (public, (*kdf, &shared[..])),
            _ => return Err(Error::MechanismParamInvalid),
        };
        let group = self.0.group(base.attributes)?;
        let y = BigNum::from_slice(public).map_err(unexpected)?;
        self.0.public_key(&group, &y).map_err(|_| Error::MechanismParamInvalid)?;
        let key = base.private()?.dh().map_err(unexpected)?;
        let agreed = Bytes::new(key.compute_key(&y).map_err(unexpected)?);
        // As long as the prime: OpenSSL leaves out zeros at the beginning.
        let mut secret = Bytes::zeroed(group.p.num_bytes() as usize);
        let start = secret.len() - agreed.len();
        secret[start..].copy_from_slice(&agreed);
        // What is cut is its beginning (section 6.4.13).
        secret::of_agreement(secret, function, wanted)
    }
}
