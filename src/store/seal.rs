//! Seals and the key hierarchy.

/// The token key K: 256 random bits, one per token.
pub struct TokenKey;

/// Cost of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2 {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// The token key under a password.
#[derive(Clone, Debug)]
pub struct WrappedKey;
