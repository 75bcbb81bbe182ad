//! A safe view of OpenSSL: what the `openssl` crate offers, and in [`ffi`] the few foreign calls it lacks.

pub mod ffi;
mod hash;
mod random;

pub use hash::Hash;
pub use random::{random, seed};

/// Prepares OpenSSL; must run before any other call into it.
pub fn start() {
    ffi::openssl::start();
}
