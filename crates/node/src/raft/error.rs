//! What callers of [`super::cluster::Cluster`] hear when something does not work.

use std::io;

use openraft::error::Fatal;

use super::log::LogError;
use super::machine::MachineError;
use super::types::{Node, NodeId};
use crate::pki::PkiError;

/// Why a node can't start.
#[derive(Debug)]
pub enum StartError {
    /// Its certificate is not that of a node with this id.
    NotItsCertificate(NodeId),
    /// Its certificates or keys can't be used.
    Pki(PkiError),
    /// The times between heartbeats and elections make no sense.
    Timing(String),
    /// The data folder can't be made or used.
    Folder(io::Error),
    /// The log can't be opened.
    Log(LogError),
    /// The snapshots can't be read.
    Snapshots(String),
    /// The machine can't say how far it got.
    Machine(MachineError),
    /// The machine is ahead of its log by entries that are gone, or consensus can't start for another reason.
    Consensus(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::NotItsCertificate(id) => write!(f, "the certificate is not one of node {id:016x}"),
            StartError::Pki(error) => error.fmt(f),
            StartError::Timing(reason) => write!(f, "the timing makes no sense: {reason}"),
            StartError::Folder(error) => write!(f, "the data folder can't be used: {error}"),
            StartError::Log(error) => error.fmt(f),
            StartError::Snapshots(reason) => f.write_str(reason),
            StartError::Machine(error) => error.fmt(f),
            StartError::Consensus(reason) => write!(f, "consensus can't start: {reason}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<PkiError> for StartError {
    fn from(error: PkiError) -> StartError {
        StartError::Pki(error)
    }
}

impl From<LogError> for StartError {
    fn from(error: LogError) -> StartError {
        StartError::Log(error)
    }
}

impl From<MachineError> for StartError {
    fn from(error: MachineError) -> StartError {
        StartError::Machine(error)
    }
}

/// Why a running cluster did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterError {
    /// Nobody leads, or the leader can't be reached; nothing was proposed.
    NoLeader,
    /// Only the leader can do this; who it is, where that is known.
    NotLeader(Option<(NodeId, Node)>),
    /// The leader does not reach a majority.
    NoQuorum,
    /// It was proposed and may be applied or not: ask again under the same request id.
    Unknown,
    /// A command is longer than this.
    TooLong(usize),
    /// The time for it is over.
    TimedOut,
    /// Another change of members is under way.
    ChangeUnderWay,
    /// There is no such member.
    NotAMember(NodeId),
    /// A node that has yet to catch up can't vote; so many entries are missing.
    Behind(u64),
    /// Without this node, nobody would vote.
    LastVoter,
    /// Without this node, so many of the others do not answer that the rest is no majority.
    NoQuorumWithout {
        /// The name of the node that was to go.
        removed: String,
        /// The names of those that do not answer.
        silent: Vec<String>,
    },
    /// The node belongs to a cluster already.
    Founded,
    /// The node has stopped, for this reason.
    Stopped(String),
}

impl ClusterError {
    pub(crate) fn stopped(fatal: &Fatal<NodeId>) -> ClusterError {
        ClusterError::Stopped(fatal.to_string())
    }
}

impl std::fmt::Display for ClusterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClusterError::NoLeader => f.write_str("the cluster has no leader that can be reached"),
            ClusterError::NotLeader(Some((id, node))) => {
                write!(f, "only the leader can do this: {} ({id:016x}) at {}", node.name, node.address)
            }
            ClusterError::NotLeader(None) => f.write_str("only the leader can do this, and none is known"),
            ClusterError::NoQuorum => f.write_str(
                "the leader does not reach a majority of the nodes: start more of them (`cloister cluster status` shows which are missing)",
            ),
            ClusterError::Unknown => f.write_str("it may have been done or not: ask again"),
            ClusterError::TooLong(most) => write!(f, "a command is longer than {most} bytes"),
            ClusterError::TimedOut => f.write_str("the time for it is over"),
            ClusterError::ChangeUnderWay => f.write_str("another change of members is under way"),
            ClusterError::NotAMember(id) => write!(f, "{id:016x} is not a member"),
            ClusterError::Behind(missing) => write!(f, "the node has {missing} entries to catch up with"),
            ClusterError::LastVoter => {
                f.write_str("it is the last node that votes: a cluster ends when its nodes are stopped and deleted")
            }
            ClusterError::NoQuorumWithout { removed, silent } => {
                let (names, do_not, them) = (
                    silent.join(" and "),
                    if silent.len() == 1 { "does not" } else { "do not" },
                    if silent.len() == 1 { "it" } else { "them" },
                );
                write!(
                    f,
                    "{names} {do_not} answer, and without {removed} the rest would be no majority: remove {names} first, or bring {them} back"
                )
            }
            ClusterError::Founded => f.write_str("the node belongs to a cluster already"),
            ClusterError::Stopped(reason) => write!(f, "the node has stopped: {reason}"),
        }
    }
}

impl std::error::Error for ClusterError {}
