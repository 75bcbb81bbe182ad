//! The XKS proxy as KMS meets it: requests over a socket, with signatures, and a key manager behind that does as it is told.

#![allow(clippy::unwrap_used)] // a test that fails may panic

mod authentication;
mod authorization;
#[path = "../certificates/mod.rs"]
mod certificates;
mod cipher;
mod health;
mod hsm;
#[path = "../common/module.rs"]
mod module;
mod paths;
#[path = "../common/proxy.rs"]
mod proxy;
mod support;
mod tls;
mod trouble;
