//! The HTTP edge: connections, the way of a request from bytes to bytes, and nothing about keys.

mod exchange;
mod listen;

pub use exchange::{Answer, exchange};
pub use listen::{Front, serve};
