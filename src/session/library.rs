//! The library between `C_Initialize` and `C_Finalize`.

use super::{Handle, Session, Slot};
use crate::config::Config;
use crate::error::Result;
use std::any::Any;
use std::sync::Arc;

/// All that one process holds open.
pub struct Library {
    _private: (),
}

impl Library {
    /// Looks at the slots; opens no token yet.
    pub fn new(config: Config) -> Result<Library> {
        let _ = config;
        todo!()
    }

    /// `C_Finalize`: ends all sessions and logins. Threads still at work in one finish their step first; what comes after is
    /// `CryptokiNotInitialized`.
    pub fn close(&self) {
        todo!()
    }

    /// Before a fork; see `Token::pause`.
    pub fn pause(&self) -> Box<dyn Any> {
        todo!()
    }

    /// The ids of all slots, in ascending order. `look_again`: whether new slots may appear (`C_GetSlotList` with a NULL list).
    pub fn slots(&self, with_token: bool, look_again: bool) -> Result<Vec<u64>> {
        let _ = (with_token, look_again);
        todo!()
    }

    /// One slot, or `SlotIdInvalid`.
    pub fn slot(&self, id: u64) -> Result<Arc<Slot>> {
        let _ = id;
        todo!()
    }

    /// `C_OpenSession`.
    pub fn open_session(&self, slot: u64, read_write: bool) -> Result<Handle> {
        let _ = (slot, read_write);
        todo!()
    }

    /// `C_CloseSession`.
    pub fn close_session(&self, session: Handle) -> Result<()> {
        let _ = session;
        todo!()
    }

    /// `C_CloseAllSessions`.
    pub fn close_all_sessions(&self, slot: u64) -> Result<()> {
        let _ = slot;
        todo!()
    }

    /// The session behind a handle, or `SessionHandleInvalid`.
    pub fn session(&self, session: Handle) -> Result<Arc<Session>> {
        let _ = session;
        todo!()
    }
}
