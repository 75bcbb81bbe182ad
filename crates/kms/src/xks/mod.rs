//! External key stores: what a KMS and a proxy in front of somebody's own keys say to each other, and such a proxy.

pub mod protocol;
pub mod proxy;
