//! ML-KEM (PKCS#11 3.2, section 6.68; FIPS 203). Encapsulation by RSA and by key agreement stands with those.

use super::parameter_set::ParameterSet;
use super::{Family, Key, Params, Wanted};
use crate::attribute::Bytes;
use crate::crypto::ffi::named_key;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use openssl::pkey::PKeyRef;

/// `CKM_ML_KEM`.
pub struct MlKem;

/// Bytes of every shared secret.
const SECRET: usize = 32;

impl Family for MlKem {
    fn ciphertext_size(&self, key: Key<'_>, _params: &Params) -> Result<usize> {
        ciphertext_size(key.public()?)
    }

    fn encapsulate(&self, key: Key<'_>, _params: &Params, wanted: Wanted) -> Result<(Vec<u8>, Bytes)> {
        may_be(wanted)?;
        let key = key.public()?;
        named_key::encapsulate(key, ciphertext_size(key)?, SECRET).map_err(unexpected)
    }

    /// Every ciphertext of the right length has a secret: an altered one has another than was meant, which nobody else
    /// knows (implicit rejection).
    fn decapsulate(
        &self,
        key: Key<'_>,
        _params: &Params,
        ciphertext: &[u8],
        wanted: Wanted,
    ) -> Result<Bytes> {
        may_be(wanted)?;
        let key = key.private()?;
        if ciphertext.len() != ciphertext_size(key)? {
            return Err(Error::WrappedKeyLenRange);
        }
        named_key::decapsulate(key, ciphertext, SECRET).map_err(unexpected)
    }
}

fn ciphertext_size<T>(key: &PKeyRef<T>) -> Result<usize> {
    ParameterSet::of(key).map(|set| set.output).ok_or(Error::KeyTypeInconsistent)
}

/// A shared secret is taken whole: the standard says of no part of it that it were a key.
fn may_be(wanted: Wanted) -> Result<()> {
    if wanted.length.is_none_or(|length| length == SECRET) {
        Ok(())
    } else {
        Err(Error::TemplateInconsistent)
    }
}
