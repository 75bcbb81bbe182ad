//! The parameters of ChaCha20 and ChaCha20-Poly1305, made into values as in [`super::params`].

use super::params::{Parameter, nested, whole_bytes};
use crate::error::Result;
use crate::mechanism::Params;
use cryptoki_sys as ck;

impl Parameter<'_> {
    pub(super) fn chacha20(self) -> Result<Params> {
        let given: ck::CK_CHACHA20_PARAMS = self.structure()?;
        Ok(Params::ChaCha20 {
            counter: nested(given.pBlockCounter, whole_bytes(given.blockCounterBits)?)?,
            nonce: nested(given.pNonce, whole_bytes(given.ulNonceBits)?)?,
        })
    }

    pub(super) fn chacha20_poly1305(self) -> Result<Params> {
        let given: ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS = self.structure()?;
        Ok(Params::ChaCha20Poly1305 {
            nonce: nested(given.pNonce, given.ulNonceLen)?,
            aad: nested(given.pAAD, given.ulAADLen)?,
        })
    }
}
