//! A node's promises to its clients: one file per subject.

// Tests may fail by a panic; setting the environment can't be done without `unsafe`.
#![allow(clippy::unwrap_used, clippy::panic, unsafe_code, clippy::undocumented_unsafe_blocks, missing_docs)]

mod common;

mod admin;
mod disks;
mod majority;
mod many_nodes;
mod metrics;
mod module;
mod removal;
mod server;
mod sockets;
