//! Random number generation functions (PKCS#11 3.2, section 5.19).

use super::args::{Pointer, fill};
use crate::error::Result;
use crate::session::{Session, Turn};
use cryptoki_sys::CK_ULONG;

/// `C_SeedRandom`.
pub(super) fn seed(session: &Session, seed: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    session.seed(seed.bytes(length)?)
}

/// `C_GenerateRandom`.
pub(super) fn generate(turn: &mut Turn<'_>, buffer: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    fill(buffer, length, |buffer| turn.random(buffer))
}
