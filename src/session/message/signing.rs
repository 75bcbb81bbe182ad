//! Messages signed and verified.

use super::Session;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::output::{Delivery, Output, Part, Size, Step};
use crate::session::active::Active;
use crate::session::cryptography::{absorb, check_signature, ends};
use crate::token::{Caller, ObjectRef, Operation, Token};

/// Messages under one key.
pub(in crate::session) struct Signing {
    purpose: Purpose,
    mechanism: Mechanism,
    key: ObjectRef,
    /// The operation of the next message, or of the one in progress.
    active: Option<Active>,
    /// Whether that one comes in parts.
    open: bool,
}

impl Signing {
    pub fn begin(
        token: &dyn Token,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: ObjectRef,
    ) -> Result<Self> {
        let active = Active::begin(token, caller, purpose, mechanism, key.clone())?;
        Ok(Signing { purpose, mechanism: mechanism.clone(), key, active: Some(active), open: false })
    }

    pub fn abandon(&mut self) {
        if self.open {
            (self.active, self.open) = (None, false);
        }
    }

    /// The operation, if its key wants the PIN first.
    pub fn waiting(&mut self) -> Option<&mut Active> {
        self.active.as_mut().filter(|active| active.waits_for_pin())
    }

    /// The operation for a message that begins now.
    fn fresh(&mut self, token: &dyn Token, caller: Caller<'_>) -> Result<Active> {
        if self.open {
            return Err(Error::OperationActive);
        }
        match self.active.take() {
            Some(active) => Ok(active),
            None => Active::begin(token, caller, self.purpose, &self.mechanism, self.key.clone()),
        }
    }

    /// The operation of the message in progress, out of its place while it works: one that fails or panics is gone.
    fn continued(&mut self) -> Result<Active> {
        let open = std::mem::take(&mut self.open);
        self.active.take_if(|_| open).ok_or(Error::OperationNotInitialized)
    }

    /// Runs a message's last step. Unless it only told a size, found the buffer too small or still waits for the PIN, the message is over.
    fn last(
        &mut self,
        mut active: Active,
        run: impl FnOnce(&mut Active) -> Result<Delivery>,
    ) -> Result<Delivery> {
        let open = std::mem::take(&mut self.open);
        let outcome = run(&mut active);
        let goes_on = match &outcome {
            Ok(delivery) => *delivery == Delivery::SizeTold,
            Err(error) => !ends(*error, &active),
        };
        if goes_on {
            (self.active, self.open) = (Some(active), open);
        }
        outcome
    }
}

/// Takes the data and writes the signature, if it has room.
fn sign(active: &mut Active, part: Part, data: &[u8], output: Output<'_>) -> Result<Delivery> {
    let (Operation::Signer(signer), kept) = active.parts()? else {
        return Err(Error::OperationNotInitialized);
    };
    let step = Step { part, input: data.len() };
    output.deliver(step, Size::Exact(signer.size()), kept, |room| {
        signer.update(data)?;
        signer.finish(room)
    })
}

impl Session {
    /// `C_SignMessage`.
    pub fn sign_message(&self, data: &[u8], output: Output<'_>) -> Result<Delivery> {
        self.with_signing(Purpose::Sign, |signing, token, caller| {
            let active = signing.fresh(token, caller)?;
            signing.last(active, |active| sign(active, Part::Whole, data, output))
        })
    }

    /// `C_VerifyMessage`.
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.with_signing(Purpose::Verify, |signing, token, caller| {
            let active = signing.fresh(token, caller)?;
            signing.last(active, |active| check_signature(active.parts()?.0, Some(data), signature))
        })
        .map(drop)
    }

    /// `C_SignMessageBegin`, `C_VerifyMessageBegin`.
    pub fn open_signed_message(&self, purpose: Purpose) -> Result<()> {
        self.with_signing(purpose, |signing, token, caller| {
            let mut active = signing.fresh(token, caller)?;
            signing.open = active.parts().is_ok();
            let refusal = active.parts().map(drop);
            signing.active = Some(active);
            refusal
        })
    }

    /// `C_SignMessageNext` and `C_VerifyMessageNext`, but for the last part.
    pub fn absorb_message(&self, purpose: Purpose, data: &[u8]) -> Result<()> {
        self.with_signing(purpose, |signing, _, _| {
            let mut active = signing.continued()?;
            absorb(active.parts()?.0, data)?;
            (signing.active, signing.open) = (Some(active), true);
            Ok(())
        })
    }

    /// The last part of `C_SignMessageNext`.
    pub fn finish_signed_message(&self, data: &[u8], output: Output<'_>) -> Result<Delivery> {
        self.with_signing(Purpose::Sign, |signing, _, _| {
            let active = signing.continued()?;
            signing.open = true;
            signing.last(active, |active| sign(active, Part::Finish, data, output))
        })
    }

    /// The last part of `C_VerifyMessageNext`.
    pub fn finish_verified_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.with_signing(Purpose::Verify, |signing, _, _| {
            let active = signing.continued()?;
            signing.last(active, |active| check_signature(active.parts()?.0, Some(data), signature))
        })
        .map(drop)
    }

    fn with_signing<T>(
        &self,
        purpose: Purpose,
        run: impl FnOnce(&mut Signing, &dyn Token, Caller<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut work = self.work()?;
        let signing = work.messages.signing(purpose).as_mut().ok_or(Error::OperationNotInitialized)?;
        run(signing, self.slot.token(), self.ticket().as_ref())
    }
}
