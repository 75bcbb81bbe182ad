//! `CKM_CLOUDHSM_AES_GCM`.

use super::aead::{self, GCM_MAX_DATA, Gcm, Sealing};
use super::staged::Staged;
use super::{Cipher, Family, Key, Material, Params, wrapping};
use crate::attribute::{Attributes, Bytes};
use crate::crypto::cipher::Direction;
use crate::crypto::random;
use crate::error::{Error, Result};
use crate::output::Size;

/// AES-GCM with an initialisation vector that is made here, random, and stands before the ciphertext: CloudHSM's.
pub struct PrefixedGcm;

/// Bytes of that initialisation vector.
const PREFIX: usize = 12;

impl PrefixedGcm {
    /// The parameter of the plain mechanism, with this initialisation vector.
    fn with(params: &Params, iv: &[u8]) -> Result<Params> {
        match params {
            Params::Gcm { iv: none, aad, tag_bits } if none.is_empty() => {
                Ok(Params::Gcm { iv: iv.into(), aad: aad.clone(), tag_bits: *tag_bits })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

impl Family for PrefixedGcm {
    fn encrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        let mut iv = [0; PREFIX];
        random(&mut iv)?;
        let rest = Sealing::begin(key, &Self::with(params, &iv)?)?;
        Ok(Box::new(Prefixed { prefix: Some(iv), rest }))
    }

    fn decrypt(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Cipher>> {
        // Everything but the initialisation vector is checked now.
        let (_, tag) = aead::begin::<Gcm>(Direction::Decrypt, key, &Self::with(params, &[0; PREFIX])?)?;
        let secret = Secret(Bytes::from(key.secret()?));
        let params = params.clone();
        let size = move |sealed: usize| Size::Exact(sealed.saturating_sub(tag + PREFIX));
        let open = move |sealed: &[u8], output: &mut [u8]| {
            let (iv, sealed) = sealed.split_at_checked(PREFIX).ok_or(Error::EncryptedDataLenRange)?;
            secret.with_key(|key| Gcm.decrypt(key, &Self::with(&params, iv)?)?.whole(sealed, output))
        };
        Ok(Box::new(Staged::cipher(GCM_MAX_DATA + tag + PREFIX, Error::EncryptedDataLenRange, size, open)))
    }

    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        wrapping::wrap(self.encrypt(key, params)?, encoded, 1)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        wrapping::unwrap(self.decrypt(key, params)?, wrapped)
    }
}

/// A secret that outlives the call that brought it.
struct Secret(Bytes);

impl Secret {
    fn with_key<T>(&self, run: impl FnOnce(Key<'_>) -> T) -> T {
        let (attributes, material) = (Attributes::new(), Material::secret(self.0.clone()));
        run(Key { attributes: &attributes, material: &material })
    }
}

/// An encryption that puts some bytes before its own.
struct Prefixed {
    /// Until they are out.
    prefix: Option<[u8; PREFIX]>,
    rest: Sealing<Gcm>,
}

impl Prefixed {
    fn ahead(&self) -> usize {
        self.prefix.map_or(0, |prefix| prefix.len())
    }

    /// Writes what is still to be put first; how much that was.
    fn begin(&mut self, output: &mut [u8]) -> usize {
        let Some(prefix) = self.prefix.take() else { return 0 };
        output[..PREFIX].copy_from_slice(&prefix);
        PREFIX
    }
}

impl Cipher for Prefixed {
    fn update_size(&self, input: usize) -> Size {
        Size::Exact(input.saturating_add(self.ahead()))
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let ahead = self.begin(output);
        Ok(ahead + self.rest.update(input, &mut output[ahead..])?)
    }

    fn finish_size(&self) -> Size {
        Size::Exact(self.rest.tag + self.ahead())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let ahead = self.begin(output);
        Ok(ahead + self.rest.finish(&mut output[ahead..])?)
    }

    fn whole_size(&self, input: usize) -> Size {
        Size::Exact(input.saturating_add(self.rest.tag + self.ahead()))
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let ahead = self.begin(output);
        Ok(ahead + self.rest.whole(input, &mut output[ahead..])?)
    }
}
