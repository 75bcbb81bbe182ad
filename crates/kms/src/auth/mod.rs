//! Who may speak: signatures, credentials, callers.

pub mod caller;
