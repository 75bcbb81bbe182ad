//! What a node brings along: the state that committed entries change.

use std::path::Path;

use super::types::{Applied, Committed, NodeId};

/// Why a machine can't go on. Either stops the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineError {
    /// Its storage failed, for this reason.
    Storage(String),
    /// What it was given or holds is not what it should be.
    Damaged(String),
}

impl std::fmt::Display for MachineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MachineError::Storage(reason) => write!(f, "the state can't be read or written: {reason}"),
            MachineError::Damaged(reason) => write!(f, "the state is damaged: {reason}"),
        }
    }
}

impl std::error::Error for MachineError {}

/// A deterministic state: the same entries in the same order give the same state and the same answers on each node.
///
/// Every call may block; none is made on an async thread. [`Machine::apply`] and [`Machine::install`] are never
/// called at the same time, [`Machine::snapshot`] may run next to either.
pub trait Machine: Send + Sync + 'static {
    /// How far the state got: what the last [`Self::apply`] or [`Self::install`] stored with it. After a crash it may be an earlier one, but none
    /// before the last [`Self::snapshot`] or [`Self::install`].
    fn applied(&self) -> Result<Applied, MachineError>;

    /// Applies `entries` in order and answers each (with nothing where there is no command), all of it and the new
    /// [`Applied`] in ONE transaction, which may be lost in a crash, as it is applied again from the log then. A command that makes no sense is answered so; an error is for storage.
    fn apply(&self, entries: &[Committed]) -> Result<Vec<Vec<u8>>, MachineError>;

    /// Writes a copy of the state as of one moment to the new file `into`, and nothing next to it; says which moment. The state itself is durable
    /// up to there now, since the log will forget what is in the copy.
    fn snapshot(&self, into: &Path) -> Result<Applied, MachineError>;

    /// Replaces the whole state by the copy in the file `from`, taken at `applied`, in one durable transaction.
    fn install(&self, from: &Path, applied: &Applied) -> Result<(), MachineError>;

    /// Whether this node was a member as of an entry that is applied, and is none as of the last one.
    fn has_removed(&self, _node: NodeId) -> Result<bool, MachineError> {
        Ok(false)
    }
}
