//! Digests in progress.

use super::{Hash, ffi, start, unexpected};
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
