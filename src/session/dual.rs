//! The functions that drive two operations at once (PKCS#11 3.2, section 5.17): each byte goes through a cipher and is
//! also digested, signed or verified, always in the clear.

use super::Session;
use super::cryptography::{absorb, ends};
use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::output::{Delivery, Output};
use crate::token::Operation;

/// Which two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dual {
    DigestEncrypt,
    DecryptDigest,
    SignEncrypt,
    DecryptVerify,
}

impl Dual {
    /// The cipher, and what the clear data is fed to beside it.
    fn purposes(self) -> (Purpose, Purpose) {
        match self {
            Dual::DigestEncrypt => (Purpose::Encrypt, Purpose::Digest),
            Dual::DecryptDigest => (Purpose::Decrypt, Purpose::Digest),
            Dual::SignEncrypt => (Purpose::Encrypt, Purpose::Sign),
            Dual::DecryptVerify => (Purpose::Decrypt, Purpose::Verify),
        }
    }
}

impl Session {
    /// `C_DigestEncryptUpdate` and its kin.
    pub fn dual(&self, dual: Dual, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        let mut work = self.work()?;
        let (cipher_purpose, other_purpose) = dual.purposes();
        let (cipher_place, other_place) = (cipher_purpose as usize, other_purpose as usize);
        let [Some(cipher_active), Some(other_active)] = work
            .operations
            .get_disjoint_mut([cipher_place, other_place])
            .map_err(|_| Error::FunctionFailed)?
        else {
            return Err(Error::OperationNotInitialized);
        };
        let (other, _) = other_active.parts()?;
        let (Operation::Cipher(cipher), kept) = cipher_active.parts()? else {
            return Err(Error::OperationNotInitialized);
        };
        let outcome = output.deliver(cipher.update_size(input.len()), kept, |room| {
            let written = cipher.update(input, room)?;
            let clear = if cipher_purpose == Purpose::Encrypt { input } else { &room[..written] };
            absorb(other, clear)?;
            Ok(written)
        });
        match outcome {
            Ok(Delivery::Done) => {
                cipher_active.fed = true;
                other_active.fed = true;
            }
            Err(error) if ends(error, cipher_active) => {
                work.operations[cipher_place] = None;
                work.operations[other_place] = None;
            }
            _ => {}
        }
        outcome
    }
}
