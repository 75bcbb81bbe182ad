//! Messages: any number of them under one key and one beginning (PKCS#11 3.2, sections 5.9, 5.11, 5.14 and 5.16).
//!
//! For the token each message is an operation of its own: a node does one in one round trip, and knows nothing of the others.
//! What makes them one process (whose turn it is, which nonce comes next) is here.
//!
//! An error ends the message it happened in, never the process: that lasts until `C_MessageEncryptFinal` and its kin, which take a
//! message in progress with them.

mod sealing;
mod signing;
mod wrapping;

use super::active::Active;
use super::{Handle, Session};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
pub(super) use sealing::Sealing;
pub(super) use signing::Signing;

/// The processes of one session, at most one of each kind.
#[derive(Default)]
pub(super) struct Messages {
    encrypt: Option<Sealing>,
    decrypt: Option<Sealing>,
    sign: Option<Signing>,
    verify: Option<Signing>,
}

impl Messages {
    /// The place for encryption or decryption.
    fn sealing(&mut self, purpose: Purpose) -> &mut Option<Sealing> {
        if purpose == Purpose::Decrypt { &mut self.decrypt } else { &mut self.encrypt }
    }

    /// The place for signatures or their verification.
    fn signing(&mut self, purpose: Purpose) -> &mut Option<Signing> {
        if purpose == Purpose::Verify { &mut self.verify } else { &mut self.sign }
    }

    /// Ends the processes of which `ends` is true; whether there was one.
    pub fn end(&mut self, ends: impl Fn(Purpose) -> bool) -> bool {
        let mut any = false;
        for purpose in [Purpose::Encrypt, Purpose::Decrypt] {
            any |= ends(purpose) && self.sealing(purpose).take().is_some();
        }
        for purpose in [Purpose::Sign, Purpose::Verify] {
            any |= ends(purpose) && self.signing(purpose).take().is_some();
        }
        any
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Messages { encrypt, decrypt, sign, verify } = self;
        encrypt.is_none() && decrypt.is_none() && sign.is_none() && verify.is_none()
    }

    /// The message that waits for its key's PIN.
    pub fn waiting(&mut self) -> Option<&mut Active> {
        [&mut self.sign, &mut self.verify].into_iter().flatten().find_map(Signing::waiting)
    }
}

impl Session {
    /// `C_MessageEncryptInit` and its kin.
    pub fn begin_messages(&self, purpose: Purpose, mechanism: &Mechanism, key: Handle) -> Result<()> {
        let mut work = self.work()?;
        self.slot.admit(mechanism)?;
        mechanism.require(purpose.message_flag())?;
        let (token, ticket) = (self.slot.token(), self.ticket());
        let object = || self.slot.objects.get(key).map_err(|_| Error::KeyHandleInvalid);
        match purpose {
            Purpose::Encrypt | Purpose::Decrypt => {
                let place = vacant(work.messages.sealing(purpose))?;
                *place = Some(Sealing::begin(token, ticket.as_ref(), purpose, mechanism, object()?)?);
            }
            _ => {
                let place = vacant(work.messages.signing(purpose))?;
                *place = Some(Signing::begin(token, ticket.as_ref(), purpose, mechanism, object()?)?);
            }
        }
        Ok(())
    }

    /// The same with a NULL mechanism: ends the process, if there is one.
    pub fn cancel_messages(&self, purpose: Purpose) -> Result<()> {
        self.work()?.messages.end(|one| one == purpose);
        Ok(())
    }

    /// `C_MessageEncryptFinal` and its kin.
    pub fn end_messages(&self, purpose: Purpose) -> Result<()> {
        match self.work()?.messages.end(|one| one == purpose) {
            true => Ok(()),
            false => Err(Error::OperationNotInitialized),
        }
    }

    /// Ends the message in progress, if there is one, and not the process.
    pub fn abandon_message(&self, purpose: Purpose) -> Result<()> {
        let mut work = self.work()?;
        match purpose {
            Purpose::Encrypt | Purpose::Decrypt => {
                work.messages.sealing(purpose).iter_mut().for_each(Sealing::abandon);
            }
            _ => work.messages.signing(purpose).iter_mut().for_each(Signing::abandon),
        }
        Ok(())
    }
}

/// The place itself, if no process is in it.
fn vacant<T>(place: &mut Option<T>) -> Result<&mut Option<T>> {
    if place.is_some() { Err(Error::OperationActive) } else { Ok(place) }
}
