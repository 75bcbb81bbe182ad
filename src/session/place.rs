//! The place of a session for the operations of one purpose.
//!
//! At most one is in progress. One that is over may rest here, with all that was set up for it: the same again, with the same key, is then
//! begun without asking the token, as long as nothing has changed that the token would look at.

use super::Handle;
use super::active::Active;
use crate::error::{Error, Result};
use crate::mechanism::{Given, Row};

/// An operation in progress, or one that rests, or none.
#[derive(Default)]
pub(super) struct Place {
    active: Option<Active>,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing is in progress. What is here all the same has panicked, and is never used again.
    #[default]
    Vacant,
    Open,
    Resting,
}

/// What becomes of an operation after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on.
    Open,
    /// It is over, and left nothing undone.
    Done,
    /// It is over.
    Failed,
}

impl Place {
    /// The operation in progress.
    pub fn get(&mut self) -> Option<&mut Active> {
        if self.state == State::Open { self.active.as_mut() } else { None }
    }

    /// Whether an operation is in progress.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether an operation with a key is in progress.
    pub fn is_open_with_key(&self) -> bool {
        self.is_open() && self.active.as_ref().is_some_and(Active::has_key)
    }

    /// Whether what is here, in progress or not, has a key.
    pub fn has_key(&self) -> bool {
        self.active.as_ref().is_some_and(Active::has_key)
    }

    /// Begins an operation.
    pub fn open(&mut self, active: Active) -> &mut Active {
        self.state = State::Open;
        self.active.insert(active)
    }

    /// The mechanism of what rests here.
    #[inline]
    pub fn resting(&self) -> Option<&'static Row> {
        if self.state == State::Resting { self.active.as_ref()?.row() } else { None }
    }

    /// Begins the operation that rests here anew, if it is of this kind; whether it was.
    #[inline]
    pub fn renew(&mut self, row: &Row, given: &Given<'_>, key: Option<Handle>, login: u64) -> Result<bool> {
        if self.state != State::Resting {
            return Ok(false);
        }
        self.state = State::Vacant; // should it panic
        let renewed = self.active.as_mut().map_or(Ok(false), |active| active.renew(row, given, key, login));
        if renewed == Ok(true) {
            self.state = State::Open;
        } else {
            // What it has set up goes back to its key, for whoever begins with that next.
            self.clear();
        }
        renewed
    }

    /// Runs a step of the operation in progress. One that panics is gone.
    pub fn step<T>(
        &mut self,
        run: impl FnOnce(&mut Active) -> Result<T>,
        after: impl FnOnce(&Result<T>, &Active) -> After,
    ) -> Result<T> {
        let active = match &mut self.active {
            Some(active) if self.state == State::Open => active,
            _ => return Err(Error::OperationNotInitialized),
        };
        self.state = State::Vacant;
        let outcome = run(active);
        match after(&outcome, active) {
            After::Open => self.state = State::Open,
            After::Done if active.rest() => self.state = State::Resting,
            After::Done | After::Failed => self.active = None,
        }
        outcome
    }

    /// Takes the operation in progress out.
    pub fn take(&mut self) -> Option<Active> {
        if self.state != State::Open {
            return None;
        }
        self.state = State::Vacant;
        self.active.take()
    }

    /// Ends what is in progress; nothing rests here either.
    pub fn clear(&mut self) {
        *self = Place::default();
    }

    /// Drops what rests here with that key.
    pub fn forget(&mut self, key: Handle) {
        if self.state != State::Open && self.active.as_ref().is_some_and(|active| active.is_of(key)) {
            self.clear();
        }
    }
}
