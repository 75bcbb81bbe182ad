//! What keys do: the cryptographic operations.

pub mod aead;
pub mod blob;
pub mod context;
pub mod encrypt;
pub mod material;
