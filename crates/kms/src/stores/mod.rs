//! Custom key stores: KMS keys whose material is in a cluster of HSMs that the customer owns (AWS_CLOUDHSM), or behind a proxy in a key manager
//! elsewhere (EXTERNAL_KEY_STORE).
//!
//! Whether a store is connected is said by its record, so that all fronts agree; each front logs in for itself when it first needs to.

mod attempt;
pub mod cluster;
pub mod code;
pub mod connect;
pub mod create;
pub mod delete;
pub mod describe;
pub mod keys;
pub mod members;
mod net;
pub mod record;
mod rules;
pub mod update;
pub mod xks;
