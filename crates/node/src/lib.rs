//! The rooms of a node: a token served to libraries, and consensus among nodes. Each stands on its own so far; a node's token
//! is not replicated yet.
//!
//! - [`server`]: the client socket, where libraries ask
//! - [`raft`]: consensus, behind a small face of our own
//! - [`admin`]: what a node reports of itself, and the local socket to look after it
//! - [`metrics`]: what a node counts, and the local port to watch it

#![deny(unsafe_code)]

pub mod admin;
pub mod metrics;
pub mod raft;
pub mod server;
mod visitors;
