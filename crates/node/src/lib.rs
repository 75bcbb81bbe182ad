//! A node of a Cloister cluster.
//!
//! - [`server`]: the client socket, where libraries ask

#![deny(unsafe_code)]

pub mod server;
