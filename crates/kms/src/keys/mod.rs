//! KMS keys: what they are, how they live.

pub mod alias;
pub mod arn;
pub mod change;
pub mod create;
pub mod describe;
pub mod metadata;
pub mod record;
pub mod spec;
pub mod state;
pub mod tags;
