//! Message digests (PKCS#11 3.2, section 6.20).

use super::{Digester, Family, Params};
use crate::crypto::{Hash, digest};
use crate::error::Result;

/// One digest.
pub struct Digest(pub Hash);

struct Digesting {
    digest: digest::Digest,
    size: usize,
}

impl Family for Digest {
    fn digest(&self, _params: &Params) -> Result<Box<dyn Digester>> {
        Ok(Box::new(Digesting { digest: digest::Digest::new(self.0)?, size: self.0.size() }))
    }
}

impl Digester for Digesting {
    fn size(&self) -> usize {
        self.size
    }

    fn update(&mut self, input: &[u8]) -> Result<()> {
        self.digest.update(input)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.digest.finish(output)
    }
}
