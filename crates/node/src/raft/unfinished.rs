//! A change of the voters that its leader did not live to finish.
//!
//! Voters are changed by two entries (Raft's joint consensus): by the first, majorities of the old voters and of the new ones decide together; by the second, those of
//! the new ones alone. openraft's leaders write the second when the first is agreed on, for the caller who asked for the change. One that is killed in between leaves a
//! cluster that goes on to need both majorities, and stands still when too many of the old voters do. So whoever leads next writes the second.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::{ChangeMembers, RaftMetrics};
use tokio::time::{sleep, timeout};

use super::types::{LogId, Node, NodeId, Raft};

/// How long to leave a change to whoever has asked for it. Longer ones are no harm: the second entry may come twice.
const OWN: Duration = Duration::from_millis(200);

/// Finishes what was begun before this node, `id`, led, until it ends. `patience`: how long one try may take.
pub(crate) async fn finish(raft: Raft, id: NodeId, patience: Duration) {
    let mut metrics = raft.metrics();
    loop {
        let found = metrics.wait_for(|now| now.running_state.is_err() || begun(now, id).is_some()).await;
        let Ok(Some(found)) = found.map(|found| begun(&found, id)) else { return };
        sleep(OWN).await;
        if begun(&metrics.borrow(), id) != Some(found) {
            continue;
        }
        // To whom nothing is added: openraft goes on to the newer voters.
        let finished = raft.change_membership(ChangeMembers::AddVoterIds(BTreeSet::new()), false);
        match timeout(patience, finished).await {
            Ok(Ok(_)) => tracing::info!("a change of the voters that another leader had begun is finished"),
            Ok(Err(error)) => tracing::debug!(%error, "a change of the voters can't be finished yet"),
            Err(_) => tracing::debug!("a change of the voters can't be finished yet"),
        }
    }
}

/// Where in the log this node, that leads, has a change of the voters that is not finished, though its first entry is agreed on.
fn begun(metrics: &RaftMetrics<NodeId, Node>, id: NodeId) -> Option<LogId> {
    let (members, leads) = (&metrics.membership_config, metrics.current_leader == Some(id));
    let first = (*members.log_id()).filter(|_| members.membership().get_joint_config().len() > 1)?;
    (leads && metrics.running_state.is_ok() && metrics.last_applied >= Some(first)).then_some(first)
}
