//! A change of the voters that its leader did not live to finish.
//!
//! Voters are changed by two entries (Raft's joint consensus): by the first, majorities of the old voters and of the new ones decide together; by the second, those of
//! the new ones alone. openraft's leaders write the second when the first is agreed on, for the caller who asked for the change. One that is killed in between leaves a
//! cluster that goes on to need both majorities, and stands still when too many of the old voters do. So whoever leads next writes the second.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::{ChangeMembers, RaftMetrics};
use tokio::time::sleep;

use super::types::{LogId, Node, NodeId, Raft};

/// How long to leave a change to whoever has asked for it. Longer ones are no harm: the second entry may come twice.
const OWN: Duration = Duration::from_millis(200);

/// Finishes what was begun before this node, `id`, led, until it ends.
pub(crate) async fn finish(raft: Raft, id: NodeId) {
    let mut metrics = raft.metrics();
    loop {
        let found = metrics.wait_for(|now| now.running_state.is_err() || begun(now, id).is_some()).await;
        let Ok(found) = found.map(|found| begun(&found, id)) else { return };
        if found.is_none() {
            return;
        }
        sleep(OWN).await;
        if begun(&metrics.borrow(), id) != found {
            continue;
        }
        tracing::info!("another change of the voters was begun: it is finished now");
        // To whom nothing is added: openraft goes on to the newer voters.
        if let Err(error) = raft.change_membership(ChangeMembers::AddVoterIds(BTreeSet::new()), false).await {
            tracing::debug!(%error, "the change of the voters can't be finished yet");
        }
    }
}

/// Where in the log this node, that leads, has a change of the voters that is not finished: two majorities decide.
fn begun(metrics: &RaftMetrics<NodeId, Node>, id: NodeId) -> Option<LogId> {
    let members = &metrics.membership_config;
    let is_begun = members.membership().get_joint_config().len() > 1;
    (metrics.current_leader == Some(id) && is_begun).then(|| *members.log_id()).flatten()
}
