//! What nodes say to each other beyond consensus: bytes in, bytes out, over the same socket.

use std::future::Future;
use std::pin::Pin;

use super::types::NodeId;
use cloister::attribute::Bytes;

/// A node that asks, as far as its certificate and the members known here tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id.
    pub id: NodeId,
    /// Whether it is a member of the cluster.
    pub member: bool,
    /// If it was invited to join: until when, in seconds since 1970.
    pub invited_until: Option<u64>,
}

/// An answer on its way; `None` if the question makes no sense.
pub type Answering = Pin<Box<dyn Future<Output = Option<Bytes>> + Send>>;

/// Who answers a node's neighbours.
pub trait Neighbourly: Send + Sync + 'static {
    /// Answers a question.
    fn answer(&self, from: Neighbour, question: Bytes) -> Answering;
}

/// Nobody: each question is told to make no sense.
pub struct Silent;

impl Neighbourly for Silent {
    fn answer(&self, _from: Neighbour, _question: Bytes) -> Answering {
        Box::pin(async { None })
    }
}
