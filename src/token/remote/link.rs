//! Questions and answers: requests are numbered, encoded, and sent to whichever node answers.

use super::cache::Infos;
use super::nodes::Nodes;
use crate::attribute::Bytes;
use crate::config::ClusterSettings;
use crate::crypto;
use crate::error::Result;
use crate::proto::message::{Call, Reply, Request};
use crate::proto::needs::Needs;
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};

/// The way to the cluster.
pub(super) struct Link {
    nodes: Nodes,
    /// The highest log index that an answer has told.
    seen: AtomicU64,
    /// What is known of token objects, for deciding early.
    pub known: Infos,
}

impl Link {
    pub fn new(settings: ClusterSettings) -> Self {
        Link { nodes: Nodes::new(settings), seen: AtomicU64::new(0), known: Infos::default() }
    }

    /// Asks once, though it may take several tries. The reply, and the log index it was given at.
    pub fn ask(&self, ticket: Option<Bytes>, call: Call) -> Result<(Reply, u64)> {
        let counts = call.needs() == Needs::Leader;
        self.ask_counting(ticket, call, counts)
    }

    /// The same; `counts`: whether doing it twice would be seen.
    pub fn ask_counting(&self, ticket: Option<Bytes>, call: Call, counts: bool) -> Result<(Reply, u64)> {
        let id = counts.then(random_id).transpose()?;
        let seen = self.seen.load(Ordering::Acquire);
        let answer = self.nodes.exchange(&Request { ticket, id, seen, call }.encode()?)?;
        if answer.seen < seen && answer.result.is_ok() {
            // The cluster was begun anew by a node that had less: what was seen of the lost history is no promise any more.
            self.known.restart();
            self.seen.store(answer.seen, Ordering::Release);
        }
        // In this order: no request tells an index whose changes have not been heeded.
        self.known.advance(answer.seen, &answer.changed);
        self.seen.fetch_max(answer.seen, Ordering::AcqRel);
        Ok((answer.result?, answer.seen))
    }

    /// Closes all connections; none is opened until the answer is dropped.
    pub fn pause(&self) -> Box<dyn Any> {
        self.nodes.pause()
    }
}

fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    crypto::random(&mut id)?;
    Ok(id)
}
