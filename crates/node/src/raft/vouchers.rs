//! Whose votes are asked for and who leads is consensus's own affair, among members. But a node that was only invited has a certificate too, and
//! so has one that was removed, or that a cluster begun anew has left behind: it is not to lead anybody, nor to make others stand for election.
//!
//! A node that has been away may not know yet who was added since. So it asks those it knows about the one it does not.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::leader::Leader;
use super::message::{Answer, Request};
use super::types::{Node, NodeId};

/// How long to wait for members to say whether they know a node.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is believed: a leader comes again before that, and has told by then who was added.
const BELIEVED: Duration = Duration::from_secs(2);
/// Nodes remembered at most.
const MOST: usize = 64;

/// Those who can say whether a node that is not known here is a member.
pub(crate) struct Vouchers {
    leader: Arc<Leader>,
    heard: Mutex<HashMap<NodeId, (Instant, bool)>>,
}

impl Vouchers {
    pub(crate) fn new(leader: Arc<Leader>) -> Vouchers {
        Vouchers { leader, heard: Mutex::default() }
    }

    /// Whether `peer` may speak as a leader or a candidate. A node that is in no cluster yet takes the first that comes: it was added by it.
    pub(crate) async fn accept(&self, peer: NodeId) -> bool {
        if self.leader.knows(peer) {
            return true;
        }
        let Some(others) = self.leader.others() else { return true };
        if let Some((when, vouched)) = self.heard.lock().get(&peer)
            && when.elapsed() < BELIEVED
        {
            return *vouched;
        }
        let vouched = self.ask(peer, others).await;
        if !vouched {
            tracing::warn!(
                peer = %format_args!("{peer:016x}"),
                "a node that no member known here counts among the members wants to lead or to be elected: it is refused"
            );
        }
        let mut heard = self.heard.lock();
        if heard.len() >= MOST {
            heard.clear();
        }
        heard.insert(peer, (Instant::now(), vouched));
        vouched
    }

    /// Whether any of `others` knows `peer`.
    async fn ask(&self, peer: NodeId, others: Vec<(NodeId, Node)>) -> bool {
        let ask = |(id, node): (NodeId, Node)| {
            let peers = Arc::clone(&self.leader.peers);
            async move {
                matches!(peers.call(id, &node, &Request::IsMember(peer)).await, Ok(Answer::IsMember(true)))
            }
        };
        let mut asked: JoinSet<bool> = others.into_iter().map(ask).collect();
        let any = async {
            while let Some(answer) = asked.join_next().await {
                if matches!(answer, Ok(true)) {
                    return true;
                }
            }
            false
        };
        timeout(PATIENCE, any).await.unwrap_or(false)
    }
}
