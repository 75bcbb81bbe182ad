//! The KMS front: AWS KMS's API, custom key stores and an XKS proxy over any PKCS#11 module.
//!
//! Speaks to its keys through `cryptoki` only, like any other program, and remembers nothing but in the token.

pub mod api;
pub mod audit;
pub mod auth;
pub mod book;
pub mod checkup;
pub mod clock;
pub mod crypto;
pub mod front;
pub mod housekeeping;
pub mod hsm;
pub mod keys;
pub mod policy;
pub mod quota;
pub mod run;
pub mod secret_file;
pub mod service;
pub mod settings;
pub mod stores;
pub mod watch;
pub mod xks;
