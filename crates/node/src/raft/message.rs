//! What nodes say to each other: one request, one answer.

use cloister::attribute::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};

use super::types::{Answers, Commands, Node, NodeId, Types};

/// A request.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request {
    /// Raft: entries, or a heartbeat.
    Append(AppendEntriesRequest<Types>),
    /// Raft: a candidate asks for a vote.
    Vote(VoteRequest<NodeId>),
    /// Raft: a piece of a snapshot.
    Snapshot(InstallSnapshotRequest<Types>),
    /// To the leader: replicate these commands as one entry.
    Propose(Commands),
    /// To the leader: up to where must a node have applied to read what is current?
    ReadIndex,
    /// To the node as a whole, not to its part in consensus.
    Node(Bytes),
    /// Between members: is this node one?
    IsMember(NodeId),
}

/// An answer, of the kind of its request.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Append(AppendEntriesResponse<NodeId>),
    Vote(VoteResponse<NodeId>),
    Snapshot(InstallSnapshotResponse<NodeId>),
    /// The piece does not follow the one before: send the snapshot from its beginning.
    SnapshotFromStart,
    /// The commands are applied, at this index, with these answers.
    Proposed {
        index: u64,
        answers: Answers,
    },
    ReadIndex(u64),
    Node(Bytes),
    /// Only the leader can; the leader, as far as this node knows.
    NotLeader(Option<(NodeId, Node)>),
    /// Nobody knows whether the commands were or will be applied.
    Unknown,
    Refused(Refusal),
    IsMember(bool),
}

/// Why a node does not answer a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It speaks this version of the protocol only.
    Version(u8),
    /// It takes so many bytes at most.
    TooLong(u32),
    /// It can't read the request.
    Malformed,
    /// The request speaks in the name of another node than the certificate's.
    Impostor,
    /// The request is one for members, and the node that sends it is none (any more).
    NotAMember,
    /// Its leadership is not confirmed by a majority.
    NoQuorum,
    /// It has stopped, or is about to.
    Stopped,
    /// The node that sends the request was a member, and has been removed for good.
    Removed,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Version(version) => write!(f, "it speaks version {version} of the protocol"),
            Refusal::TooLong(most) => write!(f, "it takes up to {most} bytes"),
            Refusal::Malformed => f.write_str("it can't read the request"),
            Refusal::Impostor => f.write_str("the request speaks for another node"),
            Refusal::NotAMember => f.write_str("this node is not a member of the cluster (any more)"),
            Refusal::NoQuorum => f.write_str("it does not reach a majority"),
            Refusal::Stopped => f.write_str("it has stopped"),
            Refusal::Removed => f.write_str(
                "this node was removed from the cluster: delete its data folder; it may join anew with another token",
            ),
        }
    }
}
