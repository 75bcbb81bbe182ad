//! Whose session it is: looked up once for each login, and kept with the session's work.

use super::slot::Slot;
use crate::token::{Caller, Ticket};
use std::sync::Arc;

/// The slot's login, as a session has last seen it.
#[derive(Default)]
pub(super) struct Login {
    /// Its number, which was asked for before the ticket: while it is the slot's, the ticket is too.
    number: u64,
    ticket: Option<Arc<dyn Ticket>>,
}

impl Login {
    /// The login of this moment.
    pub fn now(&mut self, slot: &Slot) -> &Login {
        let number = slot.login_number();
        if number != self.number {
            *self = Login { number, ticket: slot.ticket() };
        }
        self
    }

    /// On whose behalf calls are made by it.
    pub fn caller(&self) -> Caller<'_> {
        self.ticket.as_ref()
    }

    /// Whether it is still the slot's.
    pub fn lasts(&self, slot: &Slot) -> bool {
        slot.login_number() == self.number || slot.is_login(self.caller())
    }
}
