//! Consensus among the nodes of a cluster: openraft behind a small face of our own.
//!
//! Nothing outside this module sees openraft, but for the [`types`] of a log position and a membership.
//! What is replicated is opaque here: bytes in, bytes out, sealed by whoever proposes them.
//!
//! - [`cluster`]: the face: start, propose, read barrier, members, status
//! - [`machine`]: what a node brings along: the state that committed entries change
//! - `tls`: who may speak on the sync socket
//! - [`neighbour`]: what nodes say to each other beyond consensus
//! - `log`: entries and votes on disk; `snapshot`: copies of the machine's state as checksummed files
//! - `heir`: how a leader whose process has ended is followed; `ties`: how elections end that nobody wins
//! - `frame`, `message`, `network`, `sync_socket`: how nodes speak; `vouchers`: who may lead or be elected; `reach`: who answers, for the log
//! - `in_turn`: how entries wait for a slow disk; `unfinished`: what becomes of a change of the voters whose leader was killed

pub mod cluster;
pub(crate) mod encoding;
pub mod error;
pub(crate) mod frame;
mod heir;
mod in_turn;
mod leader;
pub mod log;
pub mod machine;
pub mod message;
pub mod neighbour;
pub mod network;
mod proposer;
mod reach;
mod snapshot;
mod state_machine;
pub mod status;
pub(crate) mod sync_socket;
mod ties;
mod tls;
pub mod types;
mod unfinished;
mod vouchers;

#[cfg(test)]
mod tests;
