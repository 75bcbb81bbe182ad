//! The types that consensus is about: node ids, nodes, entries, positions in the log.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::encoding::DecodeError;
use super::encoding::{decode, encode};

/// A node's id: random, and never reused, so that a node that lost its disk can't vote twice under one name.
pub type NodeId = u64;

/// A position in the log.
pub type LogId = openraft::LogId<NodeId>;

/// The members of the cluster and the position in the log that made them so.
pub type Membership = openraft::StoredMembership<NodeId, Node>;

/// How a node is reached and what people call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Host and port of the sync socket.
    pub address: String,
    /// The node's name, for people.
    pub name: String,
}

/// The commands of one log entry: what several callers proposed while the entry before was on its way, each opaque.
/// One entry, one write to disk on each node, however many they are.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands(pub Vec<Vec<u8>>);

/// The machine's answers to [`Commands`], in the same order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers(pub Vec<Vec<u8>>);

// Sealed or not, what is replicated has no place in a log line.
impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} commands", self.0.len())
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers", self.0.len())
    }
}

openraft::declare_raft_types!(
    /// openraft's view of all this.
    pub Types:
        D = Commands,
        R = Answers,
        NodeId = NodeId,
        Node = Node,
        SnapshotData = tokio::fs::File,
);

pub(crate) type Entry = openraft::Entry<Types>;
pub(crate) type Raft = openraft::Raft<Types>;
pub(crate) type Vote = openraft::Vote<NodeId>;
pub(crate) type StorageError = openraft::StorageError<NodeId>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<NodeId, Node>;

/// What a machine's state holds: everything up to a position in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The last entry that was applied; `None` before the first.
    pub last: Option<LogId>,
    /// The members as of that entry.
    pub membership: Membership,
}

impl Applied {
    /// Counts one more entry as applied.
    pub fn advance(&mut self, entry: &Committed) {
        self.last = Some(entry.log_id);
        if let Some(membership) = &entry.membership {
            self.membership = membership.clone();
        }
    }

    /// As bytes, for a machine to keep next to its state.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self).to_vec()
    }

    /// What [`Self::to_bytes`] made bytes of.
    pub fn from_bytes(bytes: &[u8]) -> Result<Applied, DecodeError> {
        decode(bytes)
    }
}

/// One committed step for the machine. The commands of one log entry come one by one, with the same position.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Where in the log it stands.
    pub log_id: LogId,
    /// The members from here on, if it changes them.
    pub membership: Option<Membership>,
    /// What was proposed; `None` for what consensus itself writes.
    pub command: Option<Vec<u8>>,
}

/// Draws an id for a new node.
pub fn new_node_id() -> Result<NodeId, openssl::error::ErrorStack> {
    let mut id = [0; 8];
    openssl::rand::rand_bytes(&mut id)?;
    Ok(NodeId::from_be_bytes(id))
}
