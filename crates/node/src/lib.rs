//! The rooms of a node: a token served to libraries, consensus among nodes, and the folder that a node keeps all in.
//!
//! - [`server`]: the client socket, where libraries ask
//! - [`raft`]: consensus, behind a small face of our own
//! - [`admin`]: what a node reports of itself, and the local socket to look after it
//! - [`metrics`]: what a node counts, and the local port to watch it
//! - [`pki`]: the cluster's own certificates
//! - [`settings`]: `node.toml`; [`folder`]: the data folder; [`join_token`]: what a new node needs to join
//! - [`node`]: founding, joining, running

#![deny(unsafe_code)]

pub mod admin;
mod chronicle;
pub mod clock;
pub mod folder;
pub mod join_token;
pub mod member;
pub mod metrics;
pub mod neighbours;
pub mod node;
pub mod pki;
pub mod raft;
pub mod replica;
pub mod ring;
mod seldom;
pub mod server;
pub mod settings;
mod touch;
mod visitors;
