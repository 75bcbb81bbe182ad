//! Hash, then sign: messages of any length, in any number of parts, for schemes that take a digest.

use super::{Signer, Verifier};
use crate::crypto::Hash;
use crate::crypto::digest::Digest;
use crate::error::Result;

/// A signer or verifier over a closure that takes the digest.
pub struct Hashed<R> {
    digest: Digest,
    hash: Hash,
    size: usize,
    run: R,
}

impl<R> Hashed<R> {
    fn new(hash: Hash, size: usize, run: R) -> Result<Self> {
        Ok(Hashed { digest: Digest::new(hash)?, hash, size, run })
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
}
