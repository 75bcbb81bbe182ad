//! The cryptographic operations over a real module: what others can check is checked with OpenSSL, what only the HSM knows is looked up in it.

#![allow(clippy::unwrap_used)] // a test that fails may panic

mod kept;
mod last_use;
#[path = "../common/module.rs"]
mod module;
mod outside;
mod support;
