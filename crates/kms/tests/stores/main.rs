//! Custom key stores over a real module: tokens in a folder, a proxy in this process.

#![allow(clippy::unwrap_used)] // a test that fails may panic

#[path = "../certificates/mod.rs"]
mod certificates;
mod cloud_hsm;
mod external;
#[path = "../common/module.rs"]
mod module;
#[path = "../common/proxy.rs"]
mod proxy;
mod support;
