//! Operations in progress: begin, feed, finish.

use super::{Handle, Session};
use crate::error::Result;
use crate::mechanism::{Mechanism, Purpose};
use crate::output::{Delivery, Output};

/// The functions that drive two operations at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dual {
    DigestEncrypt,
    DecryptDigest,
    SignEncrypt,
    DecryptVerify,
}

impl Session {
    /// `C_EncryptInit` and its kin. Digests have no key.
    pub fn begin(&self, purpose: Purpose, mechanism: &Mechanism, key: Option<Handle>) -> Result<()> {
        let _ = (purpose, mechanism, key);
        todo!()
    }

    /// The same with a NULL mechanism: ends the operation in progress, if there is one.
    pub fn cancel(&self, purpose: Purpose) -> Result<()> {
        let _ = purpose;
        todo!()
    }

    /// `C_SessionCancel`: `flags` of the operations to end (`CKF_ENCRYPT`, `CKF_FIND_OBJECTS` ...).
    pub fn cancel_all(&self, flags: u64) -> Result<()> {
        let _ = flags;
        todo!()
    }

    /// One-shot: `C_Encrypt`, `C_Decrypt`, `C_Digest`, `C_Sign`, `C_SignRecover`, `C_VerifyRecover`, by `purpose`. The operation is over unless the answer is
    /// `SizeTold` or `BufferTooSmall`.
    pub fn whole(&self, purpose: Purpose, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        let _ = (purpose, input, output);
        todo!()
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`.
    pub fn transform(&self, purpose: Purpose, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        let _ = (purpose, input, output);
        todo!()
    }

    /// `C_DigestUpdate`, `C_SignUpdate`, `C_VerifyUpdate`.
    pub fn absorb(&self, purpose: Purpose, input: &[u8]) -> Result<()> {
        let _ = (purpose, input);
        todo!()
    }

    /// `C_DigestKey`.
    pub fn digest_key(&self, key: Handle) -> Result<()> {
        let _ = key;
        todo!()
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_DigestFinal`, `C_SignFinal`.
    pub fn finish(&self, purpose: Purpose, output: Output<'_>) -> Result<Delivery> {
        let _ = (purpose, output);
        todo!()
    }

    /// `C_Verify`.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let _ = (data, signature);
        todo!()
    }

    /// `C_VerifyFinal`.
    pub fn verify_final(&self, signature: &[u8]) -> Result<()> {
        let _ = signature;
        todo!()
    }

    /// `C_DigestEncryptUpdate` and its kin.
    pub fn dual(&self, dual: Dual, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        let _ = (dual, input, output);
        todo!()
    }

    /// `C_GenerateRandom`.
    pub fn random(&self, buffer: &mut [u8]) -> Result<()> {
        let _ = buffer;
        todo!()
    }

    /// `C_SeedRandom`.
    pub fn seed(&self, seed: &[u8]) -> Result<()> {
        let _ = seed;
        todo!()
    }
}
