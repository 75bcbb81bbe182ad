//! Everything a caller holds open: slots, sessions, handles, login state and operations in progress. Safe code, no keys.

mod cryptography;
mod library;
mod login;
mod objects;
mod slot;

pub use cryptography::Dual;
pub use library::Library;
pub use login::UserType;
pub use slot::{Slot, SlotInfo, SlotTokenInfo};

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
    _private: (),
}
