//! When this node was last in touch with a majority of the voters.
//!
//! To hear a leader is not enough: openraft's leaders go on to lead whom they reach when they have lost the majority, and the others may have
//! elected another by then. So a node that follows asks its leader, now and then, whether a majority still follows.

use crate::raft::cluster::Cluster;
use crate::raft::error::ClusterError;
use crate::raft::status::Status;
use crate::raft::types::NodeId;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a node goes on to serve what changes nothing after it was in touch with a majority: longer than it takes to elect a leader.
pub(crate) const GRACE: Duration = Duration::from_secs(2);
/// Between two questions to the leader: some may come to nothing before the grace is over.
const ASKING: Duration = Duration::from_millis(400);
/// How long the leader's answer may take.
const ANSWER: Duration = Duration::from_secs(1);

/// The last moment at which a majority is known to have been in reach.
pub(crate) struct Touch(Mutex<Instant>);

impl Touch {
    pub(crate) fn new(now: Instant) -> Touch {
        Touch(Mutex::new(now))
    }

    /// A majority was in reach then.
    fn had(&self, then: Instant) {
        let mut last = self.0.lock();
        *last = then.max(*last);
    }

    /// Whether that is too long ago for a node that sees its cluster so.
    pub(crate) fn is_lost(&self, status: &Status, now: Instant) -> bool {
        if status.leader == Some(status.id) {
            let confirmed = status.confirmed.map(Duration::from_millis);
            return status.voters() > 1 && confirmed.is_some_and(|confirmed| confirmed > GRACE);
        }
        now.saturating_duration_since(*self.0.lock()) > GRACE
    }
}

/// Keeps `touch` up to date until it is dropped, or the node stops.
pub(crate) async fn keep(touch: Weak<Touch>, cluster: Arc<Cluster>) {
    loop {
        let now = Instant::now();
        let status = cluster.status();
        let since = match status.leader {
            Some(leader) if leader == status.id => since_confirmed(&status, now),
            Some(leader) => is_followed(&cluster, leader).await.then_some(now),
            None => None,
        };
        let Some(touch) = touch.upgrade() else { return };
        if let Some(since) = since {
            touch.had(since);
        }
        drop(touch);
        if !rest(&cluster, status.leader).await {
            return;
        }
    }
}

/// Since when a leader has not heard of a majority; it is one itself if nobody else votes.
fn since_confirmed(status: &Status, now: Instant) -> Option<Instant> {
    match status.confirmed {
        Some(confirmed) => now.checked_sub(Duration::from_millis(confirmed)),
        None => (status.voters() == 1).then_some(now),
    }
}

/// Whether a majority follows the leader, by its own account. What another leader would say is asked anew: this one may never answer.
async fn is_followed(cluster: &Cluster, leader: NodeId) -> bool {
    let changed = |status: &Status| status.leader != Some(leader) || status.stopped.is_some();
    tokio::select! {
        followed = timeout(ANSWER, cluster.is_led()) => followed.unwrap_or(false),
        _ = cluster.wait_until(ANSWER, changed) => false,
    }
}

/// Until the leader is to be asked again, or there is another; `false` if the node has stopped.
async fn rest(cluster: &Cluster, leader: Option<NodeId>) -> bool {
    let changed = |status: &Status| status.leader != leader || status.stopped.is_some();
    match cluster.wait_until(ASKING, changed).await {
        Ok(status) => status.stopped.is_none(),
        Err(error) => error == ClusterError::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::status::{Member, Part};
    use crate::raft::types::Node;

    const OWN: NodeId = 1;
    const OTHER: NodeId = 2;

    /// What node 1 of three voters sees, or of three of which it is a learner.
    fn seen(leader: Option<NodeId>, part: Part, confirmed: Option<u64>) -> Status {
        let member = |id: NodeId| Member {
            id,
            node: Node { address: format!("n{id}:1"), name: format!("n{id}") },
            part: if id == OWN { part } else { Part::Voter },
            lag: None,
        };
        let members = (1..=3).map(member).collect();
        Status { id: OWN, leader, term: 1, last: None, applied: None, members, confirmed, stopped: None }
    }

    #[test]
    fn whoever_has_not_reached_a_majority_for_long_is_out_of_touch_whatever_it_is_and_whomever_it_follows() {
        let start = Instant::now();
        let touch = Touch::new(start);
        for part in [Part::Voter, Part::Learner] {
            for leader in [None, Some(OTHER)] {
                let status = seen(leader, part, None);
                assert!(!touch.is_lost(&status, start + GRACE), "{part:?} {leader:?}");
                assert!(touch.is_lost(&status, start + GRACE * 2), "{part:?} {leader:?}");
            }
        }
        touch.had(start + GRACE);
        touch.had(start);
        assert!(
            !touch.is_lost(&seen(None, Part::Voter, None), start + GRACE * 2),
            "what is late is not the last"
        );
    }

    #[test]
    fn a_leader_is_in_touch_for_as_long_as_a_majority_confirms_it() {
        let start = Instant::now();
        let (touch, late) = (Touch::new(start), start + GRACE * 9);
        let leads = |confirmed| seen(Some(OWN), Part::Voter, confirmed);
        assert!(!touch.is_lost(&leads(Some(2000)), late));
        assert!(touch.is_lost(&leads(Some(2001)), late));
        assert_eq!(since_confirmed(&leads(Some(500)), late), Some(late - Duration::from_millis(500)));
        assert_eq!(since_confirmed(&leads(None), late), None);
    }
}
