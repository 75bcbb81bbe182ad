//! A safe view of OpenSSL: what the `openssl` crate offers, and in [`ffi`] the few foreign calls it lacks.
//!
//! Algorithms are fetched once per process and then kept: a fetch by name costs more than an AES operation.

pub mod cipher;
pub mod digest;
pub mod ffi;
pub mod generator;
mod hash;
pub mod kdf;
mod kept;
pub mod mac;
mod places;
mod random;

pub use hash::Hash;
pub use kept::{Lent, SecretKey};
#[cfg(test)]
pub use places::MOST as PLACES;
pub use places::{Places, this_thread};
pub use random::{forget_drawn, random, random_secret, seed};

use crate::error::Error;
use openssl::error::ErrorStack;

/// Prepares OpenSSL; must run before any other call into it.
pub fn start() {
    ffi::openssl::start();
}

/// What OpenSSL refuses although everything was checked before: `FunctionFailed`, and a log line. OpenSSL's error texts name
/// reasons and places in its source, never data.
pub fn unexpected(errors: ErrorStack) -> Error {
    log::error!("OpenSSL failed: {errors}");
    Error::FunctionFailed
}
