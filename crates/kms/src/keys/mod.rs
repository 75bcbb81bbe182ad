//! KMS keys: what they are, how they live.

pub mod alias;
pub mod arn;
pub mod metadata;
pub mod record;
pub mod spec;
pub mod state;
