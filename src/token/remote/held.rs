//! What a node has handed out: tickets and session objects.

use super::cache::Infos;
use crate::attribute::Bytes;
use crate::error::{Error, Result};
use crate::pin::Role;
use crate::proto::message::{Made, Place};
use crate::token::{HeldObject, ObjectInfo, ObjectRef, Ticket};
use parking_lot::Mutex;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long to wait after a login could not be renewed.
const AGAIN: Duration = Duration::from_secs(60);

/// A login, sealed by a node.
pub(super) struct RemoteTicket {
    login: Mutex<Login>,
    pub user: String,
    pub role: Role,
    /// Good for one operation with a key that asks for the PIN each time.
    pub confirmed: AtomicBool,
}

/// A login as it travels.
pub(super) struct Login {
    sealed: Bytes,
    /// When more than half of its life is over; never for one that is not renewed.
    renewal: Option<Instant>,
}

impl Login {
    /// One that is good for `lifetime` seconds from now.
    pub fn new(sealed: Bytes, lifetime: u64) -> Self {
        Login { sealed, renewal: Instant::now().checked_add(Duration::from_secs(lifetime) / 2) }
    }

    /// One that is never renewed.
    pub fn once(sealed: Bytes) -> Self {
        Login { sealed, renewal: None }
    }
}

impl RemoteTicket {
    pub fn new(login: Login, user: &str, role: Role, confirmed: bool) -> Self {
        let confirmed = AtomicBool::new(confirmed);
        RemoteTicket { login: Mutex::new(login), user: user.to_owned(), role, confirmed }
    }

    /// The login, renewed in time. If it can't be, the old one goes on.
    pub fn sealed(&self, renew: impl FnOnce(Bytes) -> Result<Login>) -> Bytes {
        let sealed = {
            let mut login = self.login.lock();
            let now = Instant::now();
            if login.renewal.is_none_or(|due| now < due) {
                return login.sealed.clone();
            }
            // Others go on with the old one meanwhile.
            login.renewal = now.checked_add(AGAIN);
            login.sealed.clone()
        };
        match renew(sealed.clone()) {
            Ok(renewed) => {
                let renewed_sealed = renewed.sealed.clone();
                *self.login.lock() = renewed;
                renewed_sealed
            }
            Err(error) => {
                log::warn!("a login could not be renewed ({}); it goes on as it is", error.name());
                sealed
            }
        }
    }

    /// Uses up the confirmation, if there is one.
    pub fn take_confirmation(&self) -> bool {
        self.confirmed.swap(false, Ordering::AcqRel)
    }
}

impl Ticket for RemoteTicket {
    fn user(&self) -> &str {
        &self.user
    }

    fn role(&self) -> Role {
        self.role
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The ticket behind the seam's view of it.
pub(super) fn ticket_of(ticket: &Arc<dyn Ticket>) -> Result<&RemoteTicket> {
    ticket.as_any().downcast_ref().ok_or(Error::UserNotLoggedIn)
}

/// A session object in its capsule.
pub(super) struct RemoteObject {
    capsule: Bytes,
    info: Arc<ObjectInfo>,
}

impl RemoteObject {
    /// An object that a node has just made, at the log index `seen`.
    pub fn taken(made: Made, known: &Infos, seen: u64) -> ObjectRef {
        let info = Arc::new(made.info);
        match made.place {
            Place::Stored(id) => {
                known.note_made(info, seen);
                ObjectRef::Stored(id)
            }
            Place::Capsule(capsule) => ObjectRef::Held(Arc::new(RemoteObject { capsule, info })),
        }
    }
}

impl HeldObject for RemoteObject {
    fn info(&self) -> Result<&Arc<ObjectInfo>> {
        Ok(&self.info)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Where an object is, as a request says it. A session object that another token made is `ObjectHandleInvalid`.
pub(super) fn place(object: &ObjectRef) -> Result<Place> {
    match object {
        ObjectRef::Stored(id) => Ok(Place::Stored(*id)),
        ObjectRef::Held(held) => {
            let object: &RemoteObject = held.as_any().downcast_ref().ok_or(Error::ObjectHandleInvalid)?;
            Ok(Place::Capsule(object.capsule.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: u64 = 30 * 24 * 3600;

    fn ticket(login: Login) -> RemoteTicket {
        RemoteTicket::new(login, "user", Role::User, false)
    }

    fn bytes(text: &str) -> Bytes {
        text.as_bytes().into()
    }

    fn unasked(_: Bytes) -> Result<Login> {
        panic!("renewed")
    }

    #[test]
    fn a_login_is_renewed_when_half_its_life_is_over_and_not_before() {
        assert_eq!(ticket(Login::new(bytes("old"), MONTH)).sealed(unasked), bytes("old"));
        let due = ticket(Login::new(bytes("old"), 0));
        let renewed = due.sealed(|old| {
            assert_eq!(old, bytes("old"));
            Ok(Login::new(bytes("new"), MONTH))
        });
        assert_eq!((renewed, due.sealed(unasked)), (bytes("new"), bytes("new")));
    }

    #[test]
    fn a_login_that_can_not_be_renewed_goes_on_and_is_not_asked_for_at_every_call() {
        let due = ticket(Login::new(bytes("old"), 0));
        assert_eq!(due.sealed(|_| Err(Error::DeviceRemoved)), bytes("old"));
        assert_eq!(due.sealed(unasked), bytes("old"));
    }

    #[test]
    fn who_asks_while_a_login_is_renewed_does_not_wait() {
        let due = ticket(Login::new(bytes("old"), 0));
        due.sealed(|_| {
            assert_eq!(due.sealed(unasked), bytes("old"));
            Ok(Login::new(bytes("new"), MONTH))
        });
    }

    #[test]
    fn a_confirmation_is_never_renewed() {
        assert_eq!(ticket(Login::once(bytes("once"))).sealed(unasked), bytes("once"));
    }
}
