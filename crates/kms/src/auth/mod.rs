//! Who may speak: signatures, credentials, callers.

pub mod access;
pub mod caller;
pub mod credentials;
pub mod identity;
pub mod recorded;
pub mod sigv4;
pub mod strangers;
