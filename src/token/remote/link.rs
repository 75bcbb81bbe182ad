//! Questions and answers: requests are numbered, encoded, and sent to whichever node answers.

use super::nodes::Nodes;
use crate::attribute::Bytes;
use crate::config::ClusterSettings;
use crate::crypto;
use crate::error::Result;
use crate::proto::message::{Call, Reply, Request};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};

/// The way to the cluster.
pub(super) struct Link {
    nodes: Nodes,
    /// The highest log index that an answer has told.
    seen: AtomicU64,
}

impl Link {
    pub fn new(settings: ClusterSettings) -> Self {
        Link { nodes: Nodes::new(settings), seen: AtomicU64::new(0) }
    }

    /// Asks once, though it may take several tries. The reply, and the log index it was given at.
    pub fn ask(&self, ticket: Option<Bytes>, call: Call) -> Result<(Reply, u64)> {
        let counts = call.changes();
        self.ask_counting(ticket, call, counts)
    }

    /// The same; `counts`: whether doing it twice would be seen.
    pub fn ask_counting(&self, ticket: Option<Bytes>, call: Call, counts: bool) -> Result<(Reply, u64)> {
        let id = counts.then(random_id).transpose()?;
        let request = Request { ticket, id, seen: self.seen(), call };
        let answer = self.nodes.exchange(&request.encode()?)?;
        self.seen.fetch_max(answer.seen, Ordering::AcqRel);
        Ok((answer.result?, answer.seen))
    }

    /// The highest log index that an answer has told.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
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
