//! What a node sees to by itself.

use crate::member::Member;
use crate::neighbours::Question;
use crate::raft::cluster::Cluster;
use crate::raft::status::Part;
use crate::server::service::Service;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);
/// How long another node may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two signs of life.
const TOUCH: Duration = Duration::from_secs(5);
/// Between two looks for what nobody uses any more.
const SWEEPING: Duration = Duration::from_secs(60);

/// A learner that misses no more entries than this may vote.
const NEARLY: u64 = 100;

/// While this node leads: learners that have caught up get their vote.
pub(super) async fn promote_learners(cluster: Arc<Cluster>) {
    let mut news = cluster.watch();
    while let Some(status) = news.next().await {
        if status.leader != Some(status.id) {
            continue;
        }
        let ready = |member: &&crate::raft::status::Member| {
            member.part == Part::Learner && member.lag.is_some_and(|lag| lag <= NEARLY)
        };
        if let Some(learner) = status.members.iter().find(ready) {
            match cluster.promote(learner.id).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!("{} can't be given its vote yet: {error}", learner.node.name);
                    sleep(AGAIN).await;
                    news = cluster.watch();
                }
            }
        }
    }
}

/// Asks the other members for a sign of life, now and then. So the log of each node tells who of them does not answer; and a node that was removed,
/// to which nobody speaks any more, hears of that.
pub(super) async fn keep_in_touch(member: Weak<Member>) {
    loop {
        sleep(TOUCH).await;
        let Some(member) = member.upgrade() else { return };
        let own = member.cluster.id();
        for other in member.cluster.members().iter().filter(|other| other.id != own) {
            let _ = timeout(PATIENCE, member.cluster.ask(other.id, Question::Clock.to_bytes())).await;
        }
    }
}

/// Lets go of what nobody uses any more.
pub(super) async fn sweep(service: Weak<Service>) {
    while let Some(service) = service.upgrade() {
        service.sweep();
        drop(service);
        sleep(SWEEPING).await;
    }
}
