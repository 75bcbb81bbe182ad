//! The proof of a login on this machine: who, and the token key that the password opened.

use super::LocalToken;
use super::access::Who;
use crate::error::{Error, Result};
use crate::pin::Role;
use crate::store::{Counter, Store, TokenKey, User, Viewer};
use crate::token::{Caller, Ticket};
use parking_lot::RwLock;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Stands for "never": the store's counter is even when it proves anything.
const NEVER: u64 = u64::MAX;

/// Where a token has its store.
pub(super) type Place = RwLock<Option<Arc<Store>>>;

/// A login. The token key is wiped when the last copy goes.
pub(super) struct LocalTicket {
    pub name: String,
    pub role: Role,
    pub number: i64,
    pub key: TokenKey,
    pub epoch: u64,
    /// What the login was to. When the token's file is replaced, its counter starts elsewhere and vouches for nothing.
    store: Weak<Store>,
    /// That store's, and the place where it was.
    counter: Arc<Counter>,
    place: Weak<Place>,
    pub serial: String,
    /// The store's counter when the login was last found to hold.
    checked: AtomicU64,
    /// Good for one operation with a key that asks for the PIN each time.
    confirmed: AtomicBool,
}

/// Whose login it is, and since which change of the PIN.
pub(super) struct Identity {
    pub name: String,
    pub role: Role,
    pub number: i64,
    pub epoch: u64,
}

impl From<User> for Identity {
    fn from(user: User) -> Self {
        Identity { name: user.name, role: user.role, number: user.number, epoch: user.epoch }
    }
}

impl LocalTicket {
    pub fn new(
        user: Identity,
        key: TokenKey,
        (place, store): (&Arc<Place>, &Arc<Store>),
        serial: String,
        confirmed: bool,
    ) -> Self {
        let Identity { name, role, number, epoch } = user;
        LocalTicket {
            name,
            role,
            number,
            key,
            epoch,
            store: Arc::downgrade(store),
            counter: store.watch(),
            place: Arc::downgrade(place),
            serial,
            checked: AtomicU64::new(NEVER),
            confirmed: AtomicBool::new(confirmed),
        }
    }

    /// Uses up the confirmation, if there is one.
    pub fn take_confirmation(&self) -> bool {
        self.confirmed.swap(false, Ordering::AcqRel)
    }

    /// Whether it is good for an operation with a key that asks for the PIN each time.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Acquire)
    }

    /// Whose eyes the store is read with.
    pub fn viewer(&self) -> Viewer<'_> {
        Viewer { user: self.number, key: &self.key }
    }

    /// The counter, where it alone proves that [`LocalTicket::check`] would find the login good, with the store in that place. A store that is
    /// replaced there is retired, so that its counter proves nothing.
    pub fn proved(&self, place: &Arc<Place>) -> Option<u64> {
        let checked = self.checked.load(Ordering::Acquire);
        let here = std::ptr::eq(self.place.as_ptr(), Arc::as_ptr(place));
        self.counter.value().filter(|counter| here && *counter == checked)
    }

    /// `UserNotLoggedIn` if the user is gone or its PIN has been changed since, or the token was made anew or replaced.
    pub fn check(&self, store: &Store) -> Result<()> {
        if !std::ptr::eq(self.store.as_ptr(), store) {
            return Err(Error::UserNotLoggedIn);
        }
        let counter = store.counter();
        let checked = self.checked.load(Ordering::Acquire);
        if counter == Some(checked) {
            return Ok(());
        }
        if let Some(now) = store.steady_since(checked) {
            self.checked.store(now, Ordering::Release);
            return Ok(());
        }
        if !store.stands(&self.serial, self.role, &self.name, self.number, self.epoch)? {
            return Err(Error::UserNotLoggedIn);
        }
        self.checked.store(counter.unwrap_or(NEVER), Ordering::Release);
        Ok(())
    }
}

impl Ticket for LocalTicket {
    fn user(&self) -> &str {
        &self.name
    }

    fn role(&self) -> Role {
        self.role
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A caller whose ticket has been looked at.
#[derive(Clone, Copy)]
pub(super) struct Known<'a>(pub Option<&'a LocalTicket>);

impl<'a> Known<'a> {
    /// As the access rules want it.
    pub fn who(self) -> Who {
        self.0.map(|ticket| (ticket.number, ticket.role))
    }

    /// As the attribute rules want it.
    pub fn role(self) -> Option<Role> {
        self.0.map(|ticket| ticket.role)
    }

    /// Whether the login holds with this store too, which may be another than when it was looked at.
    pub fn check(self, store: &Store) -> Result<()> {
        self.0.map_or(Ok(()), |ticket| ticket.check(store))
    }

    /// As the store wants it.
    pub fn viewer(self) -> Option<Viewer<'a>> {
        self.0.map(LocalTicket::viewer)
    }
}

impl LocalToken {
    /// Opens a caller's ticket. One that is no longer good, or not ours, is `UserNotLoggedIn`.
    pub(super) fn know<'a>(&self, store: &Store, caller: Caller<'a>) -> Result<Known<'a>> {
        let known = Known(caller.map(ticket_of).transpose()?);
        known.check(store)?;
        Ok(known)
    }

    /// The same for what needs no store: it is looked at only where that is needed to know the caller.
    pub(super) fn recognize<'a>(&self, caller: Caller<'a>) -> Result<Known<'a>> {
        match caller.map(ticket_of).transpose()? {
            Some(ticket) if ticket.proved(&self.store).is_some() => Ok(Known(Some(ticket))),
            _ => self.know(&*self.store()?, caller),
        }
    }

    /// Forgets what was read for a login that has ended: opened objects, with the keys made of them, searches and templates.
    pub(super) fn forget(&self, ticket: &Arc<dyn Ticket>) {
        self.cache.clear();
        self.moulds.clear();
        if let (Some(store), Ok(ticket)) = (&*self.store.read(), ticket_of(ticket)) {
            store.forget_searches(ticket.viewer());
        }
    }
}

/// The ticket behind the seam's view of it.
pub(super) fn ticket_of(ticket: &Arc<dyn Ticket>) -> Result<&LocalTicket> {
    ticket.as_any().downcast_ref().ok_or(Error::UserNotLoggedIn)
}
