//! Digests in progress.

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

/// SHAKE in progress: a digest of any length.
pub struct Xof {
    context: MdCtx,
}

impl Xof {
    /// SHAKE128.
    pub fn shake128() -> Result<Self> {
        Xof::new("SHAKE128")
    }

    /// SHAKE256.
    pub fn shake256() -> Result<Self> {
        Xof::new("SHAKE256")
    }

    fn new(name: &str) -> Result<Self> {
        start();
        let md = Md::fetch(None, name, None).map_err(unexpected)?;
        let mut context = MdCtx::new().map_err(unexpected)?;
        context.digest_init(&md).map_err(unexpected)?;
        Ok(Xof { context })
    }

    /// Takes more input.
    pub fn update(&mut self, input: &[u8]) -> Result<()> {
        self.context.digest_update(input).map_err(unexpected)
    }

    /// Fills `output`.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.context.digest_final_xof(output).map_err(unexpected)
    }
}
