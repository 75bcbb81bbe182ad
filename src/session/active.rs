//! One operation in progress.

use super::Handle;
use crate::error::{Error, Result};
use crate::mechanism::{Given, Mechanism, Purpose, Row};
use crate::output::Kept;
use crate::token::{Begun, ObjectRef, Operation, Permit, Ticket, Token};
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
    /// `None`: of a kind that is begun anew each time.
    origin: Option<Origin>,
}

/// What an operation was begun with.
struct Origin {
    row: &'static Row,
    /// The key, by the login that may use it while the permit holds.
    key: Option<(Handle, u64, Permit)>,
}

impl Origin {
    /// Whether nothing has changed since.
    fn holds(&self) -> bool {
        self.key.as_ref().is_none_or(|(.., permit)| permit.holds())
    }
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
        Active::new(Stage::Ready(operation), false, None)
    }

    /// A digest by a mechanism.
    pub fn digest(mechanism: &Mechanism) -> Result<Self> {
        let digester = mechanism.row.family.digest(&mechanism.params)?;
        let origin = Origin { row: mechanism.row, key: None };
        Ok(Active::new(Stage::Ready(Operation::Digester(digester)), false, Some(origin)))
    }

    fn new(stage: Stage, with_key: bool, origin: Option<Origin>) -> Self {
        Active { stage, fed: false, kept: None, signature: None, with_key, origin }
    }

    /// An operation with a key, begun by the token.
    pub fn begin(
        token: &dyn Token,
        ticket: Option<&Arc<dyn Ticket>>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: ObjectRef,
    ) -> Result<Self> {
        Active::begin_by(token, ticket, purpose, mechanism, key).map(|(active, _)| active)
    }

    /// The same by a handle of a key and the slot's login, by which it may be begun again.
    pub fn begin_with(
        token: &dyn Token,
        ticket: Option<&Arc<dyn Ticket>>,
        purpose: Purpose,
        mechanism: &Mechanism,
        (handle, key, login): (Handle, ObjectRef, u64),
    ) -> Result<Self> {
        let (mut active, permit) = Active::begin_by(token, ticket, purpose, mechanism, key)?;
        active.origin =
            permit.map(|permit| Origin { row: mechanism.row, key: Some((handle, login, permit)) });
        Ok(active)
    }

    fn begin_by(
        token: &dyn Token,
        ticket: Option<&Arc<dyn Ticket>>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: ObjectRef,
    ) -> Result<(Self, Option<Permit>)> {
        let (stage, permit) = match token.begin(ticket, purpose, mechanism, &key)? {
            Begun::Ready(operation, permit) => (Stage::Ready(operation), permit),
            Begun::PinFirst => {
                (Stage::PinFirst { purpose, mechanism: Box::new(mechanism.clone()), key }, None)
            }
        };
        Ok((Active::new(stage, true, None), permit))
    }

    /// It is over: whether it is ready to be begun again. One that took its data in parts is not, nor one whose key may have gone meanwhile:
    /// nobody would look for that here any more.
    pub fn rest(&mut self) -> bool {
        if self.fed || self.kept.is_some() || !self.origin.as_ref().is_some_and(Origin::holds) {
            return false;
        }
        match &mut self.stage {
            Stage::Ready(operation) => operation.rest(),
            Stage::PinFirst { .. } => false,
        }
    }

    /// Begins it again after [`Active::rest`], if that is what is wanted and nothing has changed; whether it has.
    #[inline]
    pub fn renew(&mut self, row: &Row, given: &Given<'_>, key: Option<Handle>, login: u64) -> Result<bool> {
        let (Some(origin), Stage::Ready(operation)) = (&self.origin, &mut self.stage) else {
            return Ok(false);
        };
        let same_key = match (&origin.key, key) {
            (None, None) => true,
            (Some((of, by, permit)), Some(key)) => *of == key && *by == login && permit.holds(),
            _ => false,
        };
        if same_key && std::ptr::eq(origin.row, row) { operation.renew(given) } else { Ok(false) }
    }

    /// The mechanism it was begun with, by which it may be begun again.
    #[inline]
    pub fn row(&self) -> Option<&'static Row> {
        self.origin.as_ref().map(|origin| origin.row)
    }

    /// Whether it was begun with that key, and could be again.
    pub fn is_of(&self, key: Handle) -> bool {
        let origin = self.origin.as_ref().and_then(|origin| origin.key.as_ref());
        origin.is_some_and(|(of, ..)| *of == key)
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
