//! KMS keys: what they are, how they live.

pub mod alias;
pub mod aliases;
pub mod arn;
pub mod change;
pub mod create;
pub mod deletion;
pub mod describe;
pub mod forget;
pub mod grants;
pub mod hold;
pub mod import;
pub mod manage;
pub mod managed;
pub mod metadata;
pub mod policy;
pub mod record;
pub mod regions;
pub mod rotation;
pub mod spec;
pub mod state;
pub mod tags;
#[cfg(test)]
pub mod testing;
