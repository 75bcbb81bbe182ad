//! ML-KEM (PKCS#11 3.2, section 6.68; FIPS 203). Encapsulation by RSA and by key agreement stands with those.

use super::pair_key::Task;
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

    fn encapsulate(
        &self,
        key: Key<'_>,
        _params: &Params,
        wanted: Wanted,
        ciphertext: &mut [u8],
    ) -> Result<Bytes> {
        may_be(wanted)?;
        let key = key.public()?;
        key.block(
            &Task::Encapsulation,
            |context| named_key::begin_encapsulation(context).map_err(unexpected),
            |context| named_key::encapsulate(context, ciphertext, SECRET).map_err(unexpected),
        )
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
        key.block(
            &Task::Encapsulation,
            |context| named_key::begin_decapsulation(context).map_err(unexpected),
            |context| named_key::decapsulate(context, ciphertext, SECRET).map_err(unexpected),
        )
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

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{decapsulate, encapsulate, pqc};
    use super::*;
    use cryptoki_sys as ck;

    const ID: u64 = ck::CKM_ML_KEM;
    const WHOLE: Wanted = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };

    #[test]
    fn both_sides_have_the_same_secret_and_each_time_another() {
        for set in [ck::CKP_ML_KEM_512, ck::CKP_ML_KEM_768, ck::CKP_ML_KEM_1024] {
            let (public, private) = pqc(ck::CKK_ML_KEM, set);
            let (ciphertext, secret) = encapsulate(ID, &Params::None, &public, WHOLE).unwrap();
            assert_eq!(secret.len(), 32);
            assert_eq!(decapsulate(ID, &Params::None, &private, &ciphertext, WHOLE), Ok(secret.clone()));
            assert_ne!(encapsulate(ID, &Params::None, &public, WHOLE).unwrap().1, secret);
        }
    }

    #[test]
    fn an_altered_ciphertext_has_a_secret_that_nobody_else_knows() {
        let (public, private) = pqc(ck::CKK_ML_KEM, ck::CKP_ML_KEM_512);
        let (mut ciphertext, secret) = encapsulate(ID, &Params::None, &public, WHOLE).unwrap();
        ciphertext[0] ^= 1;
        let rejected = decapsulate(ID, &Params::None, &private, &ciphertext, WHOLE).unwrap();
        assert_ne!(rejected, secret);
        assert_eq!(decapsulate(ID, &Params::None, &private, &ciphertext, WHOLE), Ok(rejected));
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let (public, private) = pqc(ck::CKK_ML_KEM, ck::CKP_ML_KEM_512);
        for length in [0, 767, 769, 1088] {
            let made = decapsulate(ID, &Params::None, &private, &vec![1; length], WHOLE);
            assert_eq!(made, Err(Error::WrappedKeyLenRange), "{length}");
        }
        for length in [0, 16, 33] {
            let wanted = Wanted { key_type: ck::CKK_AES, length: Some(length) };
            let refused = Error::TemplateInconsistent;
            assert_eq!(encapsulate(ID, &Params::None, &public, wanted), Err(refused));
            assert_eq!(decapsulate(ID, &Params::None, &private, &[1; 768], wanted), Err(refused));
        }
    }
}
