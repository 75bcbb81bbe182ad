//! What nodes ask each other beyond consensus, and the answers.

use crate::admin::NodeReport;
use crate::raft::encoding::{decode, encode};
use crate::raft::types::{Node, NodeId};
use cloister::attribute::Bytes;
use serde::{Deserialize, Serialize};

/// A question.
#[derive(Serialize, Deserialize)]
pub enum Question {
    /// To the leader: a client's request, as it came.
    Client(Bytes),
    /// How are you?
    Report,
    /// Which cluster keys do you have?
    Keys,
    /// What time is it?
    Clock,
    /// To the leader, from a node that was invited: take me in.
    Admit(Node),
    /// To the leader: remove this member.
    Remove(NodeId),
}

/// An answer, of the kind of its question.
#[derive(Serialize, Deserialize)]
pub enum Reply {
    /// To the client, as it is to go there.
    Client(Bytes),
    /// Of this node.
    Report(Box<NodeReport>),
    /// The cluster keys, that in use first.
    Keys(Vec<Bytes>),
    /// Milliseconds since 1970.
    Clock(u64),
    /// It is done.
    Done,
    /// It is not done, for this reason.
    Refused(String),
    /// Only the leader can: it is reached there, if it is known.
    Elsewhere(Option<String>),
}

impl Question {
    /// As it travels.
    pub fn to_bytes(&self) -> Bytes {
        std::mem::take(&mut *encode(self)).into()
    }

    /// From bytes that came; `None` for what is no question.
    pub fn from_bytes(bytes: &[u8]) -> Option<Question> {
        decode(bytes).ok()
    }
}

impl Reply {
    /// As it travels.
    pub fn to_bytes(&self) -> Bytes {
        std::mem::take(&mut *encode(self)).into()
    }

    /// From bytes that came; `None` for what is no answer.
    pub fn from_bytes(bytes: &[u8]) -> Option<Reply> {
        decode(bytes).ok()
    }
}
