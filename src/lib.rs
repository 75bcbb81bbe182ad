//! Cloister: a software HSM behind the PKCS#11 3.2 C interface.
//!
//! Keys live in a token; sessions live in the caller. Modules in the order of dependence, each
//! importing only from those above it:
//!
//! - the vocabulary: [`attribute`], [`codec`], [`error`], [`logging`], [`output`], [`pin`], [`config`]
//! - [`crypto`]: a safe view of OpenSSL
//! - [`store`], [`object`], [`mechanism`]: records at rest, attribute policy, algorithms
//! - [`token`]: the seam between a caller and its keys
//! - [`proto`]: what libraries and nodes say to each other
//! - [`session`]: slots, sessions, handles, operations in progress
//! - [`abi`]: the C edge

#![deny(unsafe_code)]

mod apart;
pub mod attribute;
pub mod codec;
pub mod config;
pub mod error;
pub mod logging;
pub mod output;
pub mod pin;
mod ring;

pub mod crypto;

pub mod mechanism;
pub mod object;
pub mod store;

pub mod token;

pub mod proto;

pub mod session;

pub mod abi;
