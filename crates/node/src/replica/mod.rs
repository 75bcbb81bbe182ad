//! The token's store as the state that the nodes agree on.
//!
//! - [`machine`]: committed commands change the store
//! - [`consensus`]: what the store wants changed is proposed

pub mod consensus;
pub mod machine;
