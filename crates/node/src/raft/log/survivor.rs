//! The log of the only node that is left of a cluster: rewritten so that this node is all there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use openraft::{CommittedLeaderId, EntryPayload};

use super::file::LogFile;
use super::{LogError, Owner};
use crate::raft::types::{Applied, Entry, LogId, Membership, Node, NodeId, Vote};

/// Entries read at a time.
const CHUNK: u64 = 256;

/// A stopped node's log, which nobody else has open.
pub struct Survivor {
    file: LogFile,
    node: NodeId,
    applied: Option<LogId>,
    membership: Membership,
}

impl Survivor {
    /// Opens the log in `folder`, whose state is as `applied` says.
    pub fn open(folder: &Path, owner: Owner, applied: &Applied) -> Result<Survivor, LogError> {
        let (file, is_new) = LogFile::open(&folder.join(super::FILE), owner)?;
        super::check_fit(is_new, file.purged()?, applied)?;
        let membership = last_membership(&file)?.unwrap_or_else(|| applied.membership.clone());
        Ok(Survivor { file, node: owner.node, applied: applied.last, membership })
    }

    /// Whether this node votes, as far as it knows.
    pub fn votes(&self) -> bool {
        self.membership.voter_ids().any(|id| id == self.node)
    }

    /// The other members, as far as this node knows.
    pub fn others(&self) -> Vec<(NodeId, Node)> {
        let others = self.membership.nodes().filter(|(id, _)| **id != self.node);
        others.map(|(id, node)| (*id, node.clone())).collect()
    }

    /// Where its log ends; `None`: it is empty, and so is the state.
    pub fn end(&self) -> Result<Option<LogId>, LogError> {
        Ok(self.file.last()?.or(self.file.purged()?).max(self.applied))
    }

    /// Makes this node, reached as `node` says, the only member: by one more entry, of a later term than all before. In one transaction, so that
    /// nothing has happened before it and nothing is left to do after it.
    pub fn stand_alone(&self, node: Node) -> Result<(), LogError> {
        let last = self.end()?;
        let voted = self.file.vote()?.map_or(0, |vote| vote.leader_id().term);
        let term = voted.max(last.map_or(0, |last| last.leader_id.term));
        let term = term.checked_add(1).ok_or(LogError::Position(term))?;
        let index = last.map_or(0, |last| last.index.saturating_add(1));
        let members =
            openraft::Membership::new(vec![BTreeSet::from([self.node])], BTreeMap::from([(self.node, node)]));
        let entry = Entry {
            log_id: LogId::new(CommittedLeaderId::new(term, self.node), index),
            payload: EntryPayload::Membership(members),
        };
        self.file.begin()?;
        if let Some(applied) = self.applied.filter(|applied| Some(*applied) == last) {
            // A copy of the state may have been installed just before the node ended: there is to be no gap between that and the new entry.
            self.file.purge(applied)?;
        }
        self.file.set_vote(&Vote::new(term, self.node))?;
        self.file.append(&[entry])?;
        self.file.commit()
    }
}

/// The members as the log's last entry about them says; `None`: no entry is about them.
fn last_membership(file: &LogFile) -> Result<Option<Membership>, LogError> {
    let mut until = file.last()?.map_or(0, |last| last.index.saturating_add(1));
    while until > 0 {
        let from = until.saturating_sub(CHUNK);
        for entry in file.entries(from, until, usize::MAX)?.into_iter().rev() {
            if let EntryPayload::Membership(members) = entry.payload {
                return Ok(Some(Membership::new(Some(entry.log_id), members)));
            }
        }
        until = from;
    }
    Ok(None)
}
