//! HMAC and CMAC, whole or cut to a length (PKCS#11 3.2, sections 6.14, 6.19 and 6.22).

use super::{Family, Key, Params, Signer, Verifier};
use crate::crypto::Hash;
use crate::crypto::mac::{self, Algorithm, Mac};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// HMAC with one digest. Keys of any length: OpenSSL hashes those that are longer than the digest's block.
pub struct Hmac(pub Hash);

/// CMAC with one block cipher, which has an algorithm for each length of key.
pub struct Cmac {
    /// The algorithms.
    pub algorithms: &'static [Algorithm],
    /// Bytes of a block, and of the whole MAC.
    pub block: usize,
}

impl Family for Hmac {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        Ok(Box::new(Macing::begin(mac::hmac_with(self.0), self.0.size(), key, params)?))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        Ok(Box::new(Macing::begin(mac::hmac_with(self.0), self.0.size(), key, params)?))
    }
}

impl Family for Cmac {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        Ok(Box::new(Macing::begin(self.algorithms, self.block, key, params)?))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        Ok(Box::new(Macing::begin(self.algorithms, self.block, key, params)?))
    }
}

/// A MAC in progress, made or checked.
struct Macing {
    mac: Mac,
    /// Bytes of the whole MAC.
    whole: usize,
    /// Bytes that the caller wants or gives, from the start of the whole.
    length: usize,
}

impl Macing {
    fn begin(algorithms: &'static [Algorithm], whole: usize, key: Key<'_>, params: &Params) -> Result<Self> {
        let length = match params {
            Params::None => whole,
            Params::MacLength(length) if (1..=whole).contains(length) => *length,
            _ => return Err(Error::MechanismParamInvalid),
        };
        Ok(Macing { mac: Mac::new(algorithms, key.secret()?)?, whole, length })
    }

    /// The whole MAC, in the first bytes.
    fn compute(&mut self) -> Result<Zeroizing<[u8; Hash::MAX_SIZE]>> {
        let mut mac = Zeroizing::new([0; Hash::MAX_SIZE]);
        self.mac.finish(&mut mac[..self.whole])?;
        Ok(mac)
    }
}

impl Signer for Macing {
    fn size(&self) -> usize {
        self.length
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.mac.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let mac = self.compute()?;
        output[..self.length].copy_from_slice(&mac[..self.length]);
        Ok(self.length)
    }
}

impl Verifier for Macing {
    fn size(&self) -> usize {
        self.length
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.mac.update(input)
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let mac = self.compute()?;
        if signature.len() != self.length {
            return Err(Error::SignatureLenRange);
        }
        if openssl::memcmp::eq(&mac[..self.length], signature) {
            Ok(())
        } else {
            Err(Error::SignatureInvalid)
        }
    }
}
