//! A node of a Cloister cluster.
//!
//! - [`raft`]: consensus among nodes, behind a small face of our own

#![deny(unsafe_code)]

pub mod raft;
