//! `CKM_RSA_AES_KEY_WRAP`: a key of any length under AES key wrap with padding, whose temporary key is under RSA-OAEP
//! (PKCS#11 3.2, section 6.1).

use super::material::failed;
use super::params::{Oaep, Params};
use super::rsa::unwrapping;
use super::rsa_block::Scheme;
use super::{Family, Key};
use crate::attribute::Bytes;
use crate::crypto;
use crate::error::{Error, Result};
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

/// The mechanism.
pub struct RsaAesWrap;

impl Family for RsaAesWrap {
    fn wrap(&self, key: Key<'_>, params: &Params, encoded: &[u8]) -> Result<Vec<u8>> {
        let (cipher, oaep) = choices(params)?;
        let (scheme, key) = (Scheme::Oaep(oaep.clone()), key.material.public()?);
        if cipher.key_length() > scheme.longest(key.bits())? {
            return Err(Error::WrappingKeySizeRange);
        }
        let mut temporary = Zeroizing::new(vec![0; cipher.key_length()]);
        crypto::random(&mut temporary)?;
        let mut wrapped = vec![0; key.size()];
        scheme.encrypt(key, &temporary, &mut wrapped)?;
        wrapped.extend(aes_wrap(cipher, &temporary, encoded).map_err(failed)?);
        Ok(wrapped)
    }

    fn unwrap(&self, key: Key<'_>, params: &Params, wrapped: &[u8]) -> Result<Bytes> {
        let (cipher, oaep) = choices(params)?;
        let (scheme, key) = (Scheme::Oaep(oaep.clone()), key.material.private()?);
        let (first, second) = wrapped.split_at_checked(key.size()).ok_or(Error::WrappedKeyLenRange)?;
        if second.len() < 16 || second.len() % 8 != 0 {
            return Err(Error::WrappedKeyLenRange);
        }
        let temporary = scheme.decrypt(key, first).map_err(unwrapping)?;
        if temporary.len() != cipher.key_length() {
            return Err(Error::WrappedKeyInvalid);
        }
        aes_unwrap(cipher, &temporary, second).map_err(|_| Error::WrappedKeyInvalid)
    }
}

fn choices(params: &Params) -> Result<(&'static CipherRef, &Oaep)> {
    let Params::RsaAesWrap { aes_bits, oaep } = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let ciphers = [Cipher::aes_128_wrap_pad(), Cipher::aes_192_wrap_pad(), Cipher::aes_256_wrap_pad()];
    let wanted = ciphers.into_iter().find(|cipher| cipher.key_length() as u64 * 8 == u64::from(*aes_bits));
    Ok((wanted.ok_or(Error::MechanismParamInvalid)?, oaep))
}

fn context() -> std::result::Result<CipherCtx, ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
    Ok(context)
}

fn aes_wrap(cipher: &CipherRef, key: &[u8], data: &[u8]) -> std::result::Result<Vec<u8>, ErrorStack> {
    let mut context = context()?;
    context.encrypt_init(Some(cipher), Some(key), None)?;
    let mut wrapped = vec![0; data.len() + 16];
    let length = context.cipher_update(data, Some(&mut wrapped))?;
    wrapped.truncate(length);
    Ok(wrapped)
}

fn aes_unwrap(cipher: &CipherRef, key: &[u8], wrapped: &[u8]) -> std::result::Result<Bytes, ErrorStack> {
    let mut context = context()?;
    context.decrypt_init(Some(cipher), Some(key), None)?;
    let mut data = Bytes::zeroed(wrapped.len() + 16);
    let length = context.cipher_update(wrapped, Some(&mut data))?;
    data.truncate(length);
    Ok(data)
}
