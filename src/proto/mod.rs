//! What libraries and nodes say to each other: see `docs/wire.md`.
//!
//! [`frame`] delimits, [`message`] is what is said, [`needs`] which node may do it, [`peer`] who may say it. A library asks, a node answers, one frame each, in turn on one
//! connection; a node remembers nothing of a connection.

pub mod frame;
pub mod message;
pub mod needs;
pub mod peer;

/// Most bytes of data in one request: of what is signed, encrypted or wrapped, after all its parts have been collected.
pub const DATA_LIMIT: usize = 16 << 20;
