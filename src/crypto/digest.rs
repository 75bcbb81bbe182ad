//! Digests in progress.

use super::{Hash, ffi, unexpected};
use crate::error::Result;
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

    /// Another one that has taken the same input.
    pub fn duplicate(&self) -> Result<Self> {
        let context = ffi::digest::copy(&self.context).map_err(unexpected)?;
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
