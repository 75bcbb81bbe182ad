//! The audit trail: each request as an event of CloudTrail's shape, a JSON line each, chained by hashes.
//!
//! A line carries `"chain": {"sequence": n, "previous": "<hash>"}`: its number from 1 on, and the SHA-256 of the
//! bytes of the line before (without its newline; 64 zeros for the first). A line that is changed, removed, put in or
//! moved is seen by [`verify`]. What the lines alone can't show is that the end was cut off, or that everything from
//! some line to the end was written anew: an older last hash ([`Trail::position`]) that was kept elsewhere shows both.
//!
//! Each event is written to its file before its request is answered, so the death of the process loses none. They
//! reach the disk at the next [`Trail::flush`]: the death of the machine may lose the events of the last second or
//! so, and leaves at most one torn line, which is cut off when the trail is opened again.

mod chain;
mod event;
mod members;
mod segment;
mod trail;
mod verify;

pub use chain::Position;
pub use event::{Event, Tls, Who};
pub use segment::Torn;
pub use trail::{OpenError, Settings, Trail, Unwritable};
pub use verify::{Broken, Report, Why, verify};

#[cfg(test)]
mod tests;
