//! Hash, then sign: messages of any length, in any number of parts, for schemes that take a digest.

use super::{Params, Signer, Verifier};
use crate::crypto::Hash;
use crate::crypto::digest::Digest;
use crate::error::{Error, Result};

/// A signer or verifier over a closure that takes the digest.
pub struct Hashed<R> {
    digest: Digest,
    hash: Hash,
    size: usize,
    run: R,
    /// The parameter of another that may begin when this is over.
    again: Option<Params>,
}

impl<R> Hashed<R> {
    fn new(hash: Hash, size: usize, run: R) -> Result<Self> {
        Ok(Hashed { digest: Digest::new(hash)?, hash, size, run, again: None })
    }

    /// As [`super::staged::Staged::again`].
    pub fn again(mut self, params: &Params) -> Self {
        self.again = Some(params.clone());
        self
    }

    fn rest(&mut self) -> bool {
        self.again.is_some() && self.digest.restart().is_ok()
    }

    fn renew(&mut self, params: &Params) -> bool {
        self.again.as_ref() == Some(params)
    }

    fn digest(&mut self) -> Result<Vec<u8>> {
        let mut digest = vec![0; self.hash.size()];
        self.digest.finish(&mut digest)?;
        Ok(digest)
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Hashed<R> {
    /// A signature of `size` bytes. `run` takes the digest, writes the signature and tells its length.
    pub fn signer(hash: Hash, size: usize, run: R) -> Result<Self> {
        Self::new(hash, size, run)
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Hashed<R> {
    /// The check of a signature of `size` bytes. `run` takes the digest and the signature.
    pub fn verifier(hash: Hash, size: usize, run: R) -> Result<Self> {
        Self::new(hash, size, run)
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Signer for Hashed<R> {
    fn size(&self) -> usize {
        self.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digest.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let digest = self.digest()?;
        (self.run)(&digest, output)
    }

    fn hash(&self) -> Option<Hash> {
        Some(self.hash)
    }

    fn finish_digest(&mut self, digest: &[u8], output: &mut [u8]) -> Result<usize> {
        if digest.len() != self.hash.size() {
            return Err(Error::DataLenRange);
        }
        (self.run)(digest, output)
    }

    fn rest(&mut self) -> bool {
        Hashed::rest(self)
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(Hashed::renew(self, params))
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Verifier for Hashed<R> {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digest.update(input)
    }

    fn size(&self) -> usize {
        self.size
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let digest = self.digest()?;
        (self.run)(&digest, signature)
    }

    fn rest(&mut self) -> bool {
        Hashed::rest(self)
    }

    fn renew(&mut self, params: &Params) -> Result<bool> {
        Ok(Hashed::renew(self, params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_begins_again_has_nothing_of_the_one_before() {
        let echo = |digest: &[u8], signature: &mut [u8]| {
            signature.copy_from_slice(digest);
            Ok(digest.len())
        };
        let mut signer = Hashed::signer(Hash::Sha256, 32, echo).unwrap().again(&Params::None);
        let mut once = Hashed::signer(Hash::Sha256, 32, echo).unwrap();
        let [mut first, mut second, mut third] = [[0; 32]; 3];
        signer.update(b"message").unwrap();
        signer.finish(&mut first).unwrap();
        // What was taken and not asked for is gone too.
        assert!(Signer::rest(&mut signer));
        signer.update(b"something else").unwrap();
        assert!(Signer::rest(&mut signer) && Signer::renew(&mut signer, &Params::None).unwrap());
        signer.update(b"message").unwrap();
        signer.finish(&mut second).unwrap();
        once.update(b"message").unwrap();
        once.finish(&mut third).unwrap();
        assert_eq!((first, second), (third, third));
        let salted = Params::Pss { hash: Hash::Sha256, mgf: Hash::Sha256, salt_length: 20 };
        assert_eq!(Signer::renew(&mut signer, &salted), Ok(false));
        assert!(!Signer::rest(&mut once), "nobody has said that it may");
    }
}
