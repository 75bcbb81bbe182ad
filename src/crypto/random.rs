//! Random bytes, from OpenSSL's generator (which seeds itself again after a fork).

use crate::error::{Error, Result};

/// Fills `buffer` with random bytes.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    openssl::rand::rand_bytes(buffer).map_err(|_| Error::RandomNoRng)
}

/// TEMPORARY
pub fn seed(_seed: &[u8]) -> Result<()> {
    todo!()
}
