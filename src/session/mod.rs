//! Everything a caller holds open: slots, sessions, handles, login state and operations in progress. Safe code, no
//! keys.
//!
//! Nothing here knows where keys live: all that needs one goes to the slot's [`crate::token::Token`].

mod active;
mod by_handle;
mod caller;
mod cryptography;
mod dual;
mod fixed;
mod handles;
mod held;
mod last;
mod library;
mod login;
mod message;
mod objects;
mod place;
mod saved;
mod slot;
mod slots;
mod templates;

pub use dual::Dual;
pub use fixed::{PROFILES, Profile};
pub use last::Last;
pub use library::Library;
pub use login::UserType;
pub use slot::{Slot, SlotInfo, SlotTokenInfo};
pub use templates::{KnownTemplate, Templates};

use crate::crypto::ffi::lock::{Lock, LockGuard, MappedLockGuard};
use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::token::Ticket;
use caller::Login;
use cryptoki_sys as ck;
use message::Messages;
use objects::Search;
use place::Place;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use templates::LastTemplates;

/// A handle as callers see it; 0 (`CK_INVALID_HANDLE`) is never one.
pub type Handle = u64;

/// `C_GetSessionInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The slot's id.
    pub slot: u64,
    /// A `CKS_` value.
    pub state: u64,
    /// Whether it was opened with `CKF_RW_SESSION`.
    pub read_write: bool,
}

/// One open session. All methods may be called from several threads; they take turns.
pub struct Session {
    handle: Handle,
    slot: Arc<Slot>,
    read_write: bool,
    /// `None` once the session is closed.
    work: Lock<Option<Work>>,
    /// Set before that, and looked at without the lock.
    closed: AtomicBool,
}

/// A session that nobody else works in while this lives.
pub struct Turn<'a> {
    session: &'a Session,
    work: MappedLockGuard<'a, Work>,
}

impl<'a> Turn<'a> {
    /// Whose turn it is; for what needs no turn.
    pub fn session(&self) -> &'a Session {
        self.session
    }
}

/// What a session has in progress: at most one operation of each purpose, one process of messages of each kind, and one search.
#[derive(Default)]
struct Work {
    operations: [Place; Purpose::COUNT],
    messages: Messages,
    search: Option<Search>,
    login: Login,
    templates: LastTemplates,
}

impl Session {
    fn new(handle: Handle, slot: Arc<Slot>, read_write: bool) -> Self {
        let work = Lock::new(Some(Work::default()));
        Session { handle, slot, read_write, work, closed: AtomicBool::new(false) }
    }

    /// Its turn, for this caller alone; `SessionHandleInvalid` once the session is closed.
    pub fn turn(&self) -> Result<Turn<'_>> {
        Ok(Turn { session: self, work: self.work()? })
    }

    /// Templates of keys that were read in its slot.
    pub fn templates(&self) -> &Templates {
        &self.slot.templates
    }

    /// The same, but `None` if the session is closed, or another has its turn or waits for it.
    #[inline]
    fn try_turn(&self) -> Option<Turn<'_>> {
        let work = LockGuard::try_map(self.work.try_lock()?, Option::as_mut).ok()?;
        Some(Turn { session: self, work })
    }

    /// Whether nobody has its turn at this moment.
    fn is_at_rest(&self) -> bool {
        !self.work.is_locked()
    }

    /// The work in progress, for this caller alone; `SessionHandleInvalid` once the session is closed.
    fn work(&self) -> Result<MappedLockGuard<'_, Work>> {
        LockGuard::try_map(self.work.lock(), Option::as_mut).map_err(|_| Error::SessionHandleInvalid)
    }

    /// Whose session this is right now.
    fn ticket(&self) -> Option<Arc<dyn Ticket>> {
        self.slot.ticket()
    }

    /// Whether the session has been closed, or is about to be.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends whatever is in progress, and the session with it.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        *self.work.lock() = None;
        self.slot.objects.drop_session(self.handle);
    }

    /// Ends the operations that work with a key, as a logout must.
    fn end_operations(&self) {
        if let Ok(mut work) = self.work() {
            work.operations.iter_mut().filter(|place| place.has_key()).for_each(Place::clear);
            work.messages.end(|_| true);
            work.search = None;
            work.login = Login::default();
            work.templates = LastTemplates::default();
        }
    }

    /// Drops what rests with a key that is gone. A session at work keeps it until it begins another operation or ends, and can't use it.
    fn forget(&self, key: Handle) {
        if let Some(mut work) = self.work.try_lock()
            && let Some(work) = &mut *work
        {
            work.operations.iter_mut().for_each(|place| place.forget(key));
        }
    }

    /// `SessionReadOnly` unless opened with `CKF_RW_SESSION`.
    fn require_read_write(&self) -> Result<()> {
        if self.read_write { Ok(()) } else { Err(Error::SessionReadOnly) }
    }

    /// A new object may be put into the token only through a session that may write.
    fn require_may_make(&self, template: &crate::attribute::Attributes) -> Result<()> {
        if template.is_true(ck::CKA_TOKEN) { self.require_read_write() } else { Ok(()) }
    }
}
