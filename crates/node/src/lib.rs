//! The rooms of a node: a token served to libraries, and consensus among nodes. Each stands on its own so far; a node's token
//! is not replicated yet.
//!
//! - [`server`]: the client socket, where libraries ask
//! - [`raft`]: consensus, behind a small face of our own

#![deny(unsafe_code)]

pub mod raft;
pub mod server;
