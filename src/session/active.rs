//! One operation in progress.

use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::output::Kept;
use crate::token::{Begun, ObjectRef, Operation, Ticket, Token};
use std::sync::Arc;

/// An operation, from its `Init` to its end.
pub(super) struct Active {
    stage: Stage,
    /// Whether some of the data has been given: the one-shot call is no longer possible.
    pub fed: bool,
    /// A result that did not fit into the caller's buffer.
    pub kept: Kept,
    /// What is to be verified, where it was given at the start.
    pub signature: Option<Vec<u8>>,
    with_key: bool,
}

enum Stage {
    Ready(Operation),
    /// The key wants its user's PIN first; then the operation begins.
    PinFirst {
        purpose: Purpose,
        mechanism: Box<Mechanism>,
        key: ObjectRef,
    },
}

impl Active {
    /// An operation without a key.
    pub fn keyless(operation: Operation) -> Self {
        Active { stage: Stage::Ready(operation), fed: false, kept: None, signature: None, with_key: false }
    }

    /// An operation with a key, begun by the token.
    pub fn begin(
        token: &dyn Token,
        ticket: Option<&Arc<dyn Ticket>>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: ObjectRef,
    ) -> Result<Self> {
        let stage = match token.begin(ticket, purpose, mechanism, &key)? {
            Begun::Ready(operation) => Stage::Ready(operation),
            Begun::PinFirst => Stage::PinFirst { purpose, mechanism: Box::new(mechanism.clone()), key },
        };
        Ok(Active { stage, fed: false, kept: None, signature: None, with_key: true })
    }

    /// Begins in earnest, now that `confirmed` proves the PIN.
    pub fn resume(waiting: &mut Active, token: &dyn Token, confirmed: &Arc<dyn Ticket>) -> Result<()> {
        if let Stage::PinFirst { purpose, mechanism, key } = &waiting.stage {
            let resumed = Active::begin(token, Some(confirmed), *purpose, mechanism, key.clone())?;
            *waiting = Active { signature: waiting.signature.take(), ..resumed };
        }
        Ok(())
    }

    /// Whether the key's PIN is still wanted.
    pub fn waits_for_pin(&self) -> bool {
        matches!(self.stage, Stage::PinFirst { .. })
    }

    /// Whether it works with a key.
    pub fn has_key(&self) -> bool {
        self.with_key
    }

    /// The operation and the place for a result that does not fit. `UserNotLoggedIn` while the key's PIN is wanted.
    pub fn parts(&mut self) -> Result<(&mut Operation, &mut Kept)> {
        match &mut self.stage {
            Stage::Ready(operation) => Ok((operation, &mut self.kept)),
            Stage::PinFirst { .. } => Err(Error::UserNotLoggedIn),
        }
    }
}
