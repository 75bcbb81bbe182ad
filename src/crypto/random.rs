//! Random bytes, from OpenSSL's generator (which seeds itself again after a fork).

use crate::error::{Error, Result};

/// Fills `buffer` with random bytes.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    openssl::rand::rand_bytes(buffer).map_err(|_| Error::RandomNoRng)
}

/// Mixes `seed` into the generator. It can only add to what the kernel has given: no entropy is credited.
pub fn seed(seed: &[u8]) -> Result<()> {
    // In pieces, for OpenSSL counts in a C int.
    seed.chunks(1 << 20).for_each(super::ffi::openssl::add_seed);
    Ok(())
}
