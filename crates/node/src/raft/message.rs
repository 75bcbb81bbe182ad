//! What nodes say to each other: one request, one answer.

use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};

use super::types::{Node, NodeId, Types};

/// A request.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request {
    /// Raft: entries, or a heartbeat.
    Append(AppendEntriesRequest<Types>),
    /// Raft: a candidate asks for a vote.
    Vote(VoteRequest<NodeId>),
    /// Raft: a piece of a snapshot.
    Snapshot(InstallSnapshotRequest<Types>),
    /// To the leader: replicate this command.
    Propose(Vec<u8>),
    /// To the leader: up to where must a node have applied to read what is current?
    ReadIndex,
}

/// An answer, of the kind of its request.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Append(AppendEntriesResponse<NodeId>),
    Vote(VoteResponse<NodeId>),
    Snapshot(InstallSnapshotResponse<NodeId>),
    /// The piece does not follow the one before: send the snapshot from its beginning.
    SnapshotFromStart,
    /// The command is applied, at this index, with this answer.
    Proposed {
        index: u64,
        answer: Vec<u8>,
    },
    ReadIndex(u64),
    /// Only the leader can; the leader, as far as this node knows.
    NotLeader(Option<(NodeId, Node)>),
    /// Nobody knows whether the command was applied.
    Unknown,
    Refused(Refusal),
}

/// Why a node does not answer a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// It speaks this version of the protocol only.
    Version(u8),
    /// The longest frame it reads.
    TooLong(u32),
    /// It can't read the request.
    Malformed,
    /// The request speaks in the name of another node than the certificate's.
    Impostor,
    /// Its leadership is not confirmed by a majority.
    NoQuorum,
    /// It has stopped, or is about to.
    Stopped,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Version(version) => write!(f, "it speaks version {version} of the protocol"),
            Refusal::TooLong(most) => write!(f, "it reads frames up to {most} bytes"),
            Refusal::Malformed => f.write_str("it can't read the request"),
            Refusal::Impostor => f.write_str("the request speaks for another node"),
            Refusal::NoQuorum => f.write_str("it does not reach a majority"),
            Refusal::Stopped => f.write_str("it has stopped"),
        }
    }
}
