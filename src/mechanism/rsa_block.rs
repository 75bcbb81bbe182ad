//! One RSA operation on one block: how data is padded to the length of the modulus, and what comes back
//! (PKCS#11 3.2, section 6.1; RFC 8017).
//!
//! OpenSSL's blinding is never switched off. A wrong padding found by a decryption has one answer, whatever
//! is wrong with it, and the check takes the same time (OpenSSL's own, in constant time). OpenSSL would by
//! itself hide a wrong PKCS#1 v1.5 padding behind made-up data; PKCS#11 promises an error, and callers that
//! unwrap keys need it.

use super::pair_key::{PairKey, Task};
use super::params::{Oaep, Params};
use crate::crypto::{Hash, ffi, unexpected};
use crate::error::{Error, Result};
use openssl::memcmp;
use openssl::pkey::{Private, Public};
use openssl::pkey_ctx::PkeyCtxRef;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use zeroize::Zeroizing;

/// How data becomes a block as long as the modulus.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    /// PKCS#1 v1.5; in a signature over a digest, with the name of the digest.
    Pkcs1(Option<Hash>),
    /// Zeros before the data.
    Raw,
    /// RSA-OAEP.
    Oaep(Oaep),
    /// RSA-PSS over a digest.
    Pss { hash: Hash, mgf: Hash, salt_length: usize },
}

impl Scheme {
    /// PSS as `params` want it, if they can.
    pub fn pss(params: &Params) -> Result<Scheme> {
        match params {
            Params::Pss { hash, mgf, salt_length } => {
                Ok(Scheme::Pss { hash: *hash, mgf: *mgf, salt_length: *salt_length })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// OAEP as `params` want it.
    pub fn oaep(params: &Params) -> Result<Scheme> {
        match params {
            Params::Oaep(oaep) => Ok(Scheme::Oaep(oaep.clone())),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// Bytes of data that fit under a modulus of so many bits. A modulus too short for the scheme is
    /// `KeySizeRange`, a salt too long for it `MechanismParamInvalid`.
    pub fn longest(&self, modulus_bits: u32) -> Result<usize> {
        let bytes = modulus_bits.div_ceil(8) as usize;
        match self {
            Scheme::Raw => Ok(bytes),
            Scheme::Pkcs1(_) => bytes.checked_sub(11).ok_or(Error::KeySizeRange),
            Scheme::Oaep(oaep) => bytes.checked_sub(2 + 2 * oaep.hash.size()).ok_or(Error::KeySizeRange),
            Scheme::Pss { hash, salt_length, .. } => {
                let block = modulus_bits.saturating_sub(1).div_ceil(8) as usize;
                let room = block.checked_sub(2 + hash.size()).ok_or(Error::KeySizeRange)?;
                if *salt_length <= room { Ok(hash.size()) } else { Err(Error::MechanismParamInvalid) }
            }
        }
    }

    /// Tells OpenSSL, after the operation has been chosen.
    fn choose<T>(&self, context: &mut PkeyCtxRef<T>) -> Result<()> {
        match self {
            Scheme::Raw => context.set_rsa_padding(Padding::NONE),
            Scheme::Pkcs1(None) => context.set_rsa_padding(Padding::PKCS1),
            Scheme::Pkcs1(Some(hash)) => {
                let md = hash.md()?;
                context.set_rsa_padding(Padding::PKCS1).and_then(|()| context.set_signature_md(md))
            }
            Scheme::Oaep(oaep) => {
                let (md, mgf) = (oaep.hash.md()?, oaep.mgf.md()?);
                context
                    .set_rsa_padding(Padding::PKCS1_OAEP)
                    .and_then(|()| context.set_rsa_oaep_md(md))
                    .and_then(|()| context.set_rsa_mgf1_md(mgf))
                    .and_then(|()| match &oaep.label[..] {
                        [] => Ok(()),
                        label => context.set_rsa_oaep_label(label),
                    })
            }
            Scheme::Pss { hash, mgf, salt_length } => {
                let (md, mgf) = (hash.md()?, mgf.md()?);
                // `longest` has seen the salt: no longer than a modulus.
                let salt_length = RsaPssSaltlen::custom(*salt_length as i32);
                context
                    .set_rsa_padding(Padding::PKCS1_PSS)
                    .and_then(|()| context.set_signature_md(md))
                    .and_then(|()| context.set_rsa_mgf1_md(mgf))
                    .and_then(|()| context.set_rsa_pss_saltlen(salt_length))
            }
        }
        .map_err(unexpected)
    }

    /// The data as OpenSSL takes it: with zeros before it, if the scheme is just that.
    fn block(&self, data: &[u8], size: usize) -> Zeroizing<Vec<u8>> {
        let zeros = if matches!(self, Scheme::Raw) { size.saturating_sub(data.len()) } else { 0 };
        let mut block = Zeroizing::new(vec![0; zeros + data.len()]);
        block[zeros..].copy_from_slice(data);
        block
    }

    /// What a number not below the modulus, or another refusal of fitting data, is answered with.
    fn refused(&self) -> Error {
        if matches!(self, Scheme::Raw) { Error::DataInvalid } else { Error::FunctionFailed }
    }

    /// Encrypts at most [`Scheme::longest`] bytes to as many bytes as the modulus has.
    pub fn encrypt(&self, key: &PairKey<Public>, data: &[u8], output: &mut [u8]) -> Result<usize> {
        let block = self.block(data, key.size());
        let set_up = |context: &mut PkeyCtxRef<Public>| {
            context.encrypt_init().map_err(unexpected)?;
            self.choose(context)
        };
        key.block(&Task::RsaCipher(self.clone()), set_up, |context| {
            context.encrypt(&block, Some(output)).map_err(|_| self.refused())
        })
    }

    /// Decrypts a block as long as the modulus; the data can be no longer than [`Scheme::longest`]. A wrong
    /// padding is `EncryptedDataInvalid`, another length `EncryptedDataLenRange`.
    pub fn decrypt(&self, key: &PairKey<Private>, block: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        if block.len() != key.size() {
            return Err(Error::EncryptedDataLenRange);
        }
        let set_up = |context: &mut PkeyCtxRef<Private>| {
            context.decrypt_init().map_err(unexpected)?;
            self.choose(context)?;
            if matches!(self, Scheme::Pkcs1(_)) {
                ffi::pkey::refuse_wrong_padding(context).map_err(unexpected)?;
            }
            Ok(())
        };
        let mut data = Zeroizing::new(vec![0; key.size()]);
        let length = key.block(&Task::RsaCipher(self.clone()), set_up, |context| {
            context.decrypt(block, Some(&mut data[..])).map_err(|_| Error::EncryptedDataInvalid)
        })?;
        data.truncate(length);
        Ok(data)
    }

    /// Signs at most [`Scheme::longest`] bytes, to as many bytes as the modulus has; for a scheme with a
    /// digest, just that.
    pub fn sign(&self, key: &PairKey<Private>, data: &[u8], output: &mut [u8]) -> Result<usize> {
        self.check_digest(data)?;
        let set_up = |context: &mut PkeyCtxRef<Private>| {
            context.sign_init().map_err(unexpected)?;
            self.choose(context)
        };
        let block = self.block(data, key.size());
        key.block(&Task::RsaSignature(self.clone()), set_up, |context| {
            context.sign(&block, Some(output)).map_err(|_| self.refused())
        })
    }

    /// Checks a signature over `data`: `SignatureInvalid` if it isn't one.
    pub fn verify(&self, key: &PairKey<Public>, data: &[u8], signature: &[u8]) -> Result<()> {
        self.check_digest(data)?;
        let valid = match self.recovering() {
            Some(_) => {
                let (found, expected) = (self.recover(key, signature)?, self.block(data, key.size()));
                found.len() == expected.len() && memcmp::eq(&found, &expected)
            }
            None => {
                let set_up = |context: &mut PkeyCtxRef<Public>| {
                    context.verify_init().map_err(unexpected)?;
                    self.choose(context)
                };
                key.block(&Task::RsaSignature(self.clone()), set_up, |context| {
                    Ok(context.verify(data, signature).unwrap_or(false))
                })?
            }
        };
        if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
    }

    /// The data under a signature: `SignatureInvalid` if it isn't one, `SignatureLenRange` if it is not as
    /// long as the modulus.
    pub fn recover(&self, key: &PairKey<Public>, signature: &[u8]) -> Result<Vec<u8>> {
        if signature.len() != key.size() {
            return Err(Error::SignatureLenRange);
        }
        let padding = self.recovering().ok_or(Error::MechanismInvalid)?;
        let mut data = vec![0; key.size()];
        // OpenSSL's newer calls take no data for no signature.
        let rsa = key.rsa().map_err(unexpected)?;
        let length =
            rsa.public_decrypt(signature, &mut data, padding).map_err(|_| Error::SignatureInvalid)?;
        data.truncate(length);
        Ok(data)
    }

    /// The padding of a scheme whose signatures have the data in them.
    fn recovering(&self) -> Option<Padding> {
        match self {
            Scheme::Raw => Some(Padding::NONE),
            Scheme::Pkcs1(None) => Some(Padding::PKCS1),
            _ => None,
        }
    }

    /// A digest has just the length of its kind.
    fn check_digest(&self, data: &[u8]) -> Result<()> {
        match self {
            Scheme::Pkcs1(Some(hash)) | Scheme::Pss { hash, .. } if data.len() != hash.size() => {
                Err(Error::DataLenRange)
            }
            _ => Ok(()),
        }
    }
}
