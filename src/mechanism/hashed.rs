//! Hash, then sign: messages of any length, in any number of parts, for schemes that take a digest.

use super::{Digester, Signer, Verifier, digest};
use crate::crypto::Hash;
use crate::error::Result;

/// A signer or verifier over a closure that takes the digest.
pub struct Hashed<R> {
    digester: Box<dyn Digester>,
    size: usize,
    run: R,
}

impl<R> Hashed<R> {
    /// A signature, or the check of one, of `size` bytes over what `digester` makes of the message. `run`: as for
    /// [`Hashed::signer`] and [`Hashed::verifier`].
    pub fn over(digester: Box<dyn Digester>, size: usize, run: R) -> Self {
        Hashed { digester, size, run }
    }

    fn digest(&mut self) -> Result<Vec<u8>> {
        let mut digest = vec![0; self.digester.size()];
        self.digester.finish(&mut digest)?;
        Ok(digest)
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Hashed<R> {
    /// A signature of `size` bytes. `run` takes the digest, writes the signature and tells its length.
    pub fn signer(hash: Hash, size: usize, run: R) -> Result<Self> {
        Ok(Self::over(digest::begin(hash)?, size, run))
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Hashed<R> {
    /// The check of a signature of `size` bytes. `run` takes the digest and the signature.
    pub fn verifier(hash: Hash, size: usize, run: R) -> Result<Self> {
        Ok(Self::over(digest::begin(hash)?, size, run))
    }
}

impl<R: FnMut(&[u8], &mut [u8]) -> Result<usize> + Send> Signer for Hashed<R> {
    fn size(&self) -> usize {
        self.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digester.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let digest = self.digest()?;
        (self.run)(&digest, output)
    }
}

impl<R: FnMut(&[u8], &[u8]) -> Result<()> + Send> Verifier for Hashed<R> {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digester.update(input)
    }

    fn size(&self) -> usize {
        self.size
    }

    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        let digest = self.digest()?;
        (self.run)(&digest, signature)
    }
}
