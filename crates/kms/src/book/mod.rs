//! What the front remembers, kept in the token itself: each record is a private `CKO_DATA` object, its label is its name, its value is JSON.
//!
//! Labels are what tokens index, so a record is found as fast among 100,000 as among ten. Several fronts on one token are one service:
//! nothing is believed from a cache before the token has been asked whether it still holds (`read`), changes of one record by several
//! fronts take turns (`latch`, `claims`), and each tells the others what it has added and removed (`directory`, `mark`).

mod claims;
mod directory;
pub mod label;
mod latch;
mod mark;
mod records;

pub use directory::Directory;
pub use latch::Latch;
pub use records::{Book, Kept, Record};
