//! Block ciphers in several parts: each part is a call of its own, and what one block hands to the next goes along with it, so that no node keeps
//! anything in between and any node may do the next part.

use super::keys::Errand;
use crate::error::Result;
use crate::mechanism::{Cipher, Mechanism, Params, Purpose, registry};
use crate::output::Size;
use crate::proto::DATA_LIMIT;
use cryptoki_sys as ck;
use zeroize::Zeroizing;

/// Ciphers that can be taken up at any block, by mechanism: with which mechanism all parts but the last are done, and the bytes of a block.
const CHAINS: &[(ck::CK_MECHANISM_TYPE, ck::CK_MECHANISM_TYPE, usize)] = &[
    (ck::CKM_AES_ECB, ck::CKM_AES_ECB, 16),
    (ck::CKM_AES_CBC, ck::CKM_AES_CBC, 16),
    (ck::CKM_AES_CBC_PAD, ck::CKM_AES_CBC, 16),
    (ck::CKM_DES_ECB, ck::CKM_DES_ECB, 8),
    (ck::CKM_DES_CBC, ck::CKM_DES_CBC, 8),
    (ck::CKM_DES_CBC_PAD, ck::CKM_DES_CBC, 8),
    (ck::CKM_DES3_ECB, ck::CKM_DES3_ECB, 8),
    (ck::CKM_DES3_CBC, ck::CKM_DES3_CBC, 8),
    (ck::CKM_DES3_CBC_PAD, ck::CKM_DES3_CBC, 8),
];

/// How all parts but the last are to be done, and the bytes of a block; `None` for what needs all its input at once.
pub(super) fn between(mechanism: &Mechanism) -> Option<(Mechanism, usize)> {
    let (_, between, block) = CHAINS.iter().find(|(whole, ..)| *whole == mechanism.row.id)?;
    Some((Mechanism { row: registry::find(*between)?, params: mechanism.params.clone() }, *block))
}

/// A cipher done part by part.
pub(super) struct Chained {
    /// The last part, or the only one.
    pub errand: Errand,
    /// All others.
    pub between: Mechanism,
    /// Bytes of a block.
    pub block: usize,
    /// The same cipher with a key of no meaning: it tells what each step yields.
    pub shape: Box<dyn Cipher>,
    /// Input that has yielded nothing yet.
    pub held: Zeroizing<Vec<u8>>,
}

impl Chained {
    /// Whether the last step yields what was held back.
    fn is_padded(&self) -> bool {
        self.between.row.id != self.errand.mechanism.row.id
    }

    /// Does whole blocks of what is held.
    fn part(&mut self, length: usize, output: &mut [u8]) -> Result<()> {
        let call = self.errand.whole_with(&self.between, &self.held[..length], None);
        let done = self.errand.fill(call, &mut output[..length])?;
        if done != length {
            return Err(super::unexpected());
        }
        let secret = match self.errand.purpose {
            Purpose::Encrypt => &output[..length],
            _ => &self.held[..length],
        };
        if let (Params::Iv(_), Some(last)) = (&self.between.params, secret.len().checked_sub(self.block)) {
            let next = Params::Iv(secret[last..].into());
            self.between.params = next.clone();
            self.errand.mechanism.params = next;
        }
        // In a place of its own: what stays behind of the old one is wiped.
        self.held = Zeroizing::new(self.held[length..].to_vec());
        Ok(())
    }
}

impl Cipher for Chained {
    fn update_size(&self, input: usize) -> Size {
        self.shape.update_size(input)
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        let mut scratch = Zeroizing::new(vec![0; input.len().saturating_add(self.block)]);
        let due = self.shape.update(input, &mut scratch)?;
        let mut all = Zeroizing::new(Vec::with_capacity(self.held.len().saturating_add(input.len())));
        all.extend_from_slice(&self.held);
        all.extend_from_slice(input);
        self.held = all;
        let most = DATA_LIMIT - DATA_LIMIT % self.block;
        for place in output[..due].chunks_mut(most) {
            self.part(place.len(), place)?;
        }
        Ok(due)
    }

    fn finish_size(&self) -> Size {
        self.shape.finish_size()
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        match self.is_padded() {
            true => self.errand.fill(self.errand.whole(&self.held, None), output),
            false => self.shape.finish(output),
        }
    }

    fn whole_size(&self, input: usize) -> Size {
        self.shape.whole_size(input)
    }

    fn whole(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        if input.len() > DATA_LIMIT {
            return Err(self.errand.too_long());
        }
        self.errand.fill(self.errand.whole(input, None), output)
    }
}
