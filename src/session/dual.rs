//! The functions that drive two operations at once (PKCS#11 3.2, section 5.17): each byte goes through a cipher and is
//! also digested, signed or verified, always in the clear.

use super::Turn;
use super::active::Active;
use super::cryptography::{absorb, ends};
use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::output::{Delivery, Output, Part, Step};
use crate::token::Operation;

/// Which two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of the functions
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

impl Turn<'_> {
    /// `C_DigestEncryptUpdate` and its kin.
    pub fn dual(&mut self, dual: Dual, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        let work = &mut *self.work;
        let (cipher_purpose, other_purpose) = dual.purposes();
        let (cipher_place, other_place) = (cipher_purpose as usize, other_purpose as usize);
        if !work.operations[cipher_place].is_open() || !work.operations[other_place].is_open() {
            return Err(Error::OperationNotInitialized);
        }
        // Out of their places while they work, so that a panic leaves neither behind.
        let (Some(mut ciphering), Some(mut beside)) =
            (work.operations[cipher_place].take(), work.operations[other_place].take())
        else {
            return Err(Error::OperationNotInitialized);
        };
        let outcome = both(cipher_purpose, &mut ciphering, &mut beside, input, output);
        if outcome == Ok(Delivery::Done) {
            ciphering.fed = true;
            beside.fed = true;
        }
        let over = |error: &Error| ends(*error, &ciphering) && ends(*error, &beside);
        if !outcome.as_ref().is_err_and(over) {
            work.operations[cipher_place].open(ciphering);
            work.operations[other_place].open(beside);
        }
        outcome
    }
}

/// One update of the cipher, and of what takes the clear data beside it.
fn both(
    purpose: Purpose,
    ciphering: &mut Active,
    beside: &mut Active,
    input: &[u8],
    output: Output<'_>,
) -> Result<Delivery> {
    let (other, _) = beside.parts()?;
    let (Operation::Cipher(cipher), kept) = ciphering.parts()? else {
        return Err(Error::OperationNotInitialized);
    };
    if purpose == Purpose::Decrypt && !cipher.yields_in_parts() {
        // All of the clear data comes with `C_DecryptFinal`, which nothing works beside: a digest would be of no data.
        return Err(Error::FunctionNotSupported);
    }
    let step = Step { part: Part::Update, input: input.len() };
    output.deliver(step, cipher.update_size(input.len()), kept, |room| {
        let written = cipher.update(input, room)?;
        let clear = if purpose == Purpose::Encrypt { input } else { &room[..written] };
        absorb(other, clear)?;
        Ok(written)
    })
}
