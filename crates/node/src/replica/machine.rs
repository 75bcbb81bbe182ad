//! The store as consensus sees it: a machine that committed commands change.

use crate::raft::machine::{Machine, MachineError};
use crate::raft::types::{Applied, Committed, NodeId};
use crate::server::changes::Changes;
use cloister::proto::message::Changed;
use cloister::store::{Effect, Error, Store};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A token's store that follows the log.
pub struct TokenMachine {
    store: Arc<Store>,
    /// How far it has come: as the store has it, and at hand without asking the store, which may be busy with a search.
    state: Mutex<Applied>,
    /// The index of the last entry applied; 0 before the first.
    applied: AtomicU64,
    changes: Changes,
}

impl TokenMachine {
    /// Takes up where the store was left.
    pub fn new(store: Arc<Store>) -> Result<TokenMachine, MachineError> {
        let state = read(&store.applied().map_err(failed)?)?;
        let index = AtomicU64::new(index_of(&state));
        Ok(TokenMachine { store, state: Mutex::new(state), applied: index, changes: Changes::default() })
    }

    /// The index up to which the store has at least come. What is read from the store afterwards is as of this entry, or later.
    pub fn index(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Whether the cluster has, or had, more than one node.
    pub fn had_others(&self) -> bool {
        self.store.count_nodes().is_ok_and(|nodes| nodes > 1)
    }

    /// What the latest changes were.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    fn come_to(&self, applied: Applied) {
        self.applied.store(index_of(&applied), Ordering::Release);
        *self.state.lock() = applied;
    }

    /// Tells of each entry what it has changed.
    fn note(&self, entries: &[Committed], effects: Vec<Effect>) {
        let mut effects = effects.into_iter();
        for steps in entries.chunk_by(|one, next| one.log_id.index == next.log_id.index) {
            let mut changed = Some(Vec::new());
            for _ in steps.iter().filter(|step| step.command.is_some()) {
                let objects = effects.next().and_then(|effect| effect.objects);
                changed = changed.zip(objects).map(|(all, more)| [all, more].concat());
            }
            self.changes.note(steps[0].log_id.index, changed.map_or(Changed::Any, Changed::Only));
        }
    }
}

impl Machine for TokenMachine {
    fn applied(&self) -> Result<Applied, MachineError> {
        Ok(self.state.lock().clone())
    }

    fn apply(&self, entries: &[Committed]) -> Result<Vec<Vec<u8>>, MachineError> {
        let mut applied = self.applied()?;
        let mut nodes: Vec<NodeId> = Vec::new();
        for entry in entries {
            applied.advance(entry);
            if let Some(membership) = &entry.membership {
                nodes.extend(membership.nodes().map(|(id, _)| *id));
            }
        }
        let commands: Vec<&[u8]> = entries.iter().filter_map(|entry| entry.command.as_deref()).collect();
        let effects = self.store.apply(&commands, &nodes, &applied.to_bytes()).map_err(failed)?;
        let mut verdicts =
            effects.iter().map(|effect| vec![effect.verdict as u8]).collect::<Vec<_>>().into_iter();
        let answer =
            |entry: &Committed| entry.command.as_ref().and_then(|_| verdicts.next()).unwrap_or_default();
        let answers = entries.iter().map(answer).collect();
        self.note(entries, effects);
        self.come_to(applied);
        Ok(answers)
    }

    fn snapshot(&self, into: &Path) -> Result<Applied, MachineError> {
        read(&self.store.copy(into).map_err(failed)?)
    }

    fn install(&self, from: &Path, applied: &Applied) -> Result<(), MachineError> {
        self.store.install(from, &applied.to_bytes()).map_err(failed)?;
        let last = applied.last.map_or(0, |last| last.index);
        self.changes.note(last, Changed::Any);
        self.come_to(applied.clone());
        Ok(())
    }

    fn has_removed(&self, node: NodeId) -> Result<bool, MachineError> {
        // Both as of one moment: between two looks a node may have been added, and would be taken for one that was there and is no more.
        let (had, applied) = self.store.had_node_at(node).map_err(failed)?;
        Ok(had && !read(&applied)?.membership.nodes().any(|(id, _)| *id == node))
    }
}

fn index_of(applied: &Applied) -> u64 {
    applied.last.map_or(0, |last| last.index)
}

fn read(applied: &[u8]) -> Result<Applied, MachineError> {
    match applied {
        [] => Ok(Applied::default()),
        bytes => Applied::from_bytes(bytes)
            .map_err(|error| MachineError::Damaged(format!("the position in the log: {error}"))),
    }
}

fn failed(error: Error) -> MachineError {
    match error {
        Error::Corrupt(..) | Error::Newer { .. } => MachineError::Damaged(error.to_string()),
        other => MachineError::Storage(other.to_string()),
    }
}
