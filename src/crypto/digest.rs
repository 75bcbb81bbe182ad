//! Digests in progress.

use super::ffi::digest::init_with_size;
use super::{Hash, start, unexpected};
use crate::error::Result;
use openssl::md::Md;
use openssl::md_ctx::MdCtx;

/// A digest that takes its input in parts.
pub struct Digest {
    context: MdCtx,
}

impl Digest {
    /// Begins a digest.
    pub fn new(hash: Hash) -> Result<Self> {
        let mut context = MdCtx::new().map_err(unexpected)?;
        context.digest_init(hash.md()?).map_err(unexpected)?;
        Ok(Digest { context })
    }

    /// Begins BLAKE2b with a digest of `size` bytes, 1 to 64; of a length that is no prefix of a longer one.
    pub fn blake2b(size: usize) -> Result<Self> {
        let mut context = MdCtx::new().map_err(unexpected)?;
        init_with_size(&mut context, Hash::Blake2b512.md()?, size).map_err(unexpected)?;
        Ok(Digest { context })
    }

    /// Takes more input.
    pub fn update(&mut self, input: &[u8]) -> Result<()> {
        self.context.digest_update(input).map_err(unexpected)
    }

    /// Writes the digest; `output` is at least as long as [`Hash::size`].
    pub fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.context.digest_final(output).map_err(unexpected)?;
        Ok(())
    }
}

/// SHAKE, by its strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
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
