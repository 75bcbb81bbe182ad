//! The HTTP edge: connections, the way of a request from bytes to bytes, and nothing about keys.

mod clock;
mod exchange;
mod health;
mod listen;
mod meter;
pub mod tls;

pub use exchange::{Answer, exchange};
pub use listen::{Front, serve, watch};
pub use meter::Meter;
