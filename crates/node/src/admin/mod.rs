//! Looking after a node from its own machine: what it reports, the socket to ask it, and the client of that socket.
//!
//! - [`report`]: what a node says of itself, and what is known of all members
//! - `message`, `frame`: requests and answers in JSON; `server` and `client`: the two ends of `admin.sock`
//!
//! The file's permissions are the only guard: who may open it looks after the node.

mod client;
mod frame;
mod message;
pub mod report;
mod server;

pub use client::{AdminError, Client};
pub use report::{ClusterReport, EXPIRES_SOON, Heard, Id, Lag, MemberReport, NodeReport, Role, skew};
pub use server::{listen, serve};

use crate::raft::types::NodeId;
use std::fmt;

/// The socket's name in a node's data folder.
pub const SOCKET: &str = "admin.sock";

/// What can be asked of a node by who looks after it.
pub trait Administration: Send + Sync + 'static {
    /// This node's own report. It may block for as long as reading the store takes.
    fn report(&self) -> NodeReport;

    /// Reports of all members, asked over the sync socket; one that does not answer is told as such. Takes a few seconds at most.
    fn cluster(&self) -> impl Future<Output = ClusterReport> + Send;

    /// Removes a member.
    fn remove(&self, id: NodeId) -> impl Future<Output = Result<(), Refused>> + Send;
}

/// Why something was not done, and what to do about it, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}
