//! Random bytes, from OpenSSL's generator (which seeds itself again after a fork).

use crate::error::{Error, Result};

/// Bytes given or taken at once: OpenSSL counts in a C int.
const PIECE: usize = 1 << 20;

/// Fills `buffer` with random bytes.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    buffer.chunks_mut(PIECE).try_for_each(openssl::rand::rand_bytes).map_err(|_| Error::RandomNoRng)
}

/// Mixes `seed` into the generator. It can only add to what the kernel has given: no entropy is credited.
pub fn seed(seed: &[u8]) -> Result<()> {
    seed.chunks(PIECE).for_each(super::ffi::openssl::add_seed);
    Ok(())
}
