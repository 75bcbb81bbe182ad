//! Digests in progress.

use super::ffi::digest::Context;
use super::{Hash, start, unexpected};
use crate::error::Result;
use openssl::md::Md;
use openssl::md_ctx::MdCtx;
use zeroize::Zeroizing;

/// A digest that takes its input in parts.
pub struct Digest {
    context: Context,
    /// Bytes of the digest, where they are not the algorithm's own.
    size: Option<usize>,
}

impl Digest {
    /// Begins a digest.
    pub fn new(hash: Hash) -> Result<Self> {
        Digest::begin(hash, None)
    }

    /// Begins BLAKE2b with a digest of `size` bytes, 1 to 64; of a length that is no prefix of a longer one.
    pub fn blake2b(size: usize) -> Result<Self> {
        Digest::begin(Hash::Blake2b512, Some(size))
    }

    fn begin(hash: Hash, size: Option<usize>) -> Result<Self> {
        let context = Context::new(hash.md()?, size).map_err(unexpected)?;
        Ok(Digest { context, size })
    }

    /// Begins anew; nothing is left of what it has taken.
    #[inline]
    pub fn restart(&mut self) -> Result<()> {
        self.context.restart().map_err(unexpected)
    }

    /// Another one that has taken the same input.
    pub fn duplicate(&self) -> Result<Self> {
        let context = self.context.duplicate().map_err(unexpected)?;
        Ok(Digest { context, size: self.size })
    }

    /// Takes more input.
    #[inline]
    pub fn update(&mut self, input: &[u8]) -> Result<()> {
        self.context.update(input).map_err(unexpected)
    }

    /// Writes the digest; `output` is at least as long as [`Hash::size`].
    #[inline]
    pub fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        let Some(size) = self.size else { return self.context.finish(output) };
        // Room for the algorithm's own length is wanted, also where another was asked for.
        let mut roomy = Zeroizing::new([0; Hash::MAX_SIZE]);
        self.context.finish(&mut *roomy)?;
        output[..size].copy_from_slice(&roomy[..size]);
        Ok(())
    }
}

/// SHAKE, by its strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Shake {
    Bits128,
    Bits256,
}

/// Fills `output` with what SHAKE makes of `input`.
pub fn shake(shake: Shake, input: &[u8], output: &mut [u8]) -> Result<()> {
    let name = match shake {
        Shake::Bits128 => "SHAKE-128",
        Shake::Bits256 => "SHAKE-256",
    };
    start();
    let mut run = || {
        let md = Md::fetch(None, name, None)?;
        let mut context = MdCtx::new()?;
        context.digest_init(&md)?;
        context.digest_update(input)?;
        context.digest_final_xof(output)
    };
    run().map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BLAKE2b of "abc", of 64 bytes (RFC 7693, appendix A), and of the shorter lengths as Python's `hashlib` has them.
    #[test]
    fn blake2b_has_the_length_that_it_is_asked_for() {
        for (size, expected) in [
            (64, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"),
            (48, "6f56a82c8e7ef526dfe182eb5212f7db9df1317e"),
            (32, "bddd813c634239723171ef3fee98579b94964e3b"),
            (20, "384264f676f39536840523f284921cdc68b6846b"),
        ] {
            let mut digest = Digest::blake2b(size).unwrap();
            digest.update(b"abc").unwrap();
            let mut output = vec![0; size];
            digest.finish(&mut output).unwrap();
            assert!(hex::encode(output).starts_with(expected), "{size}");
        }
    }
}
