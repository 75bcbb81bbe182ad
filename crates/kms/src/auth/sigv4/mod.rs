//! AWS Signature Version 4: checking it on requests that come in, making it for those that go out to an XKS proxy.
//!
//! The `aws-sigv4` crate canonicalises and hashes. A signature is checked by making it again: the request is
//! rebuilt from exactly the headers that its [`Claim`] says are signed, signed with the secret of the access key
//! that it names, and compared.
//!
//! A caller that logs at trace level should leave the target `aws_sigv4` out: it logs canonical requests, and a
//! session token is part of one.

mod claim;
mod rebuild;
mod refused;
mod sign;
mod timestamp;
mod verify;

pub use claim::Claim;
pub use refused::{Bound, Refused};
pub use sign::sign;
pub use verify::{Expected, Verified, verify};

#[cfg(test)]
mod tests;
