//! Encapsulation by RSA: which secret is encrypted to the holder of the private key (PKCS#11 3.2, section 6.1).

use super::rsa_block::Scheme;
use super::{Wanted, secret};
use crate::attribute::Bytes;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKeyRef, Public};

/// A new secret: by raw RSA a number as long as the modulus, whose end becomes the key, else just a key. One that
/// does not fit under the modulus is `TemplateInconsistent`.
pub(super) fn secret(scheme: &Scheme, key: &PKeyRef<Public>, wanted: Wanted) -> Result<Bytes> {
    let longest = scheme.longest(key.bits())?;
    let secret = match scheme {
        Scheme::Raw => random_number(key)?,
        _ => secret::random_value(wanted)?,
    };
    if secret.len() > longest { Err(Error::TemplateInconsistent) } else { Ok(secret) }
}

/// A random number from 2 to the modulus less 2, as long as the modulus (SP 800-56B, section 7.2.1.2).
fn random_number(key: &PKeyRef<Public>) -> Result<Bytes> {
    let random = |key: &PKeyRef<Public>| -> std::result::Result<Vec<u8>, ErrorStack> {
        let modulus = key.rsa()?.n().to_owned()?;
        let (mut range, mut number) = (modulus.to_owned()?, BigNum::new_secure()?);
        range.sub_word(3)?;
        range.rand_range(&mut number)?;
        number.add_word(2)?;
        let bytes = number.to_vec_padded(modulus.num_bytes());
        number.clear();
        bytes
    };
    random(key).map(Bytes::new).map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use super::super::Params;
    use super::super::pair_testing::{decapsulate, encapsulate, rsa};
    use super::super::params::Oaep;
    use super::*;
    use crate::crypto::Hash;
    use cryptoki_sys as ck;

    #[test]
    fn a_secret_encapsulated_by_rsa_is_had_by_the_private_key_alone() {
        let hash = Hash::Sha256;
        let oaep = Params::Oaep(Oaep { hash, mgf: hash, label: vec![] });
        let wanted = |key_type, length| Wanted { key_type, length };
        for (id, params) in [(ck::CKM_RSA_PKCS, &Params::None), (ck::CKM_RSA_PKCS_OAEP, &oaep)] {
            for wanted in [wanted(ck::CKK_GENERIC_SECRET, Some(50)), wanted(ck::CKK_DES3, None)] {
                let (ciphertext, secret) = encapsulate(id, params, &rsa().0, wanted).unwrap();
                assert_eq!(secret.len(), wanted.length.unwrap_or(24));
                assert_eq!(decapsulate(id, params, &rsa().1, &ciphertext, wanted), Ok(secret));
            }
            let refusal = |wanted| encapsulate(id, params, &rsa().0, wanted).unwrap_err();
            assert_eq!(refusal(wanted(ck::CKK_AES, None)), Error::TemplateIncomplete);
            assert_eq!(refusal(wanted(ck::CKK_GENERIC_SECRET, Some(250))), Error::TemplateInconsistent);
            let opened = decapsulate(id, params, &rsa().1, &[1; 255], wanted(ck::CKK_AES, None));
            assert_eq!(opened, Err(Error::WrappedKeyLenRange));
        }
    }

    #[test]
    fn raw_rsa_encapsulates_a_number_as_long_as_the_modulus_or_its_end() {
        let id = ck::CKM_RSA_X_509;
        let whole = Wanted { key_type: ck::CKK_GENERIC_SECRET, length: None };
        let (ciphertext, secret) = encapsulate(id, &Params::None, &rsa().0, whole).unwrap();
        assert_eq!((ciphertext.len(), secret.len()), (256, 256));
        assert_eq!(decapsulate(id, &Params::None, &rsa().1, &ciphertext, whole).unwrap(), secret);
        let end = Wanted { key_type: ck::CKK_AES, length: Some(16) };
        assert_eq!(decapsulate(id, &Params::None, &rsa().1, &ciphertext, end).unwrap()[..], secret[240..]);
    }
}
