//! Whether a cluster can go on without a member.

use crate::member::Member;
use crate::neighbours::Question;
use crate::raft::error::ClusterError;
use crate::raft::status::{Part, Status};
use crate::raft::types::NodeId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long another node may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the voters that remain without `id` whether they are there. Consensus looks for a majority only of those who vote before such a change; if
/// there were none after it, nothing could be agreed on any more, nor could the change be taken back.
pub(super) async fn can_go_on_without(
    member: &Arc<Member>,
    status: &Status,
    id: NodeId,
) -> Result<(), ClusterError> {
    let own = member.cluster.id();
    let asked: JoinSet<_> = remaining(status, id)
        .map(|voter| voter.id)
        .map(|voter| {
            let member = member.clone();
            async move {
                let answer = member.cluster.ask(voter, Question::Clock.to_bytes());
                (voter == own || matches!(timeout(PATIENCE, answer).await, Ok(Ok(_)))).then_some(voter)
            }
        })
        .collect();
    let there = asked.join_all().await.into_iter().flatten().collect();
    is_majority(status, id, &there)
}

/// The voters without `id`; none if that does not vote: then nothing depends on it.
fn remaining(status: &Status, id: NodeId) -> impl Iterator<Item = &crate::raft::status::Member> {
    let votes = status.member(id).is_some_and(|member| member.part == Part::Voter);
    status.members.iter().filter(move |member| votes && member.part == Part::Voter && member.id != id)
}

/// Whether those `there` are a majority of the voters without `id`.
fn is_majority(status: &Status, id: NodeId, there: &BTreeSet<NodeId>) -> Result<(), ClusterError> {
    let voters = remaining(status, id).count();
    let silent: Vec<String> = remaining(status, id)
        .filter(|voter| !there.contains(&voter.id))
        .map(|voter| voter.node.name.clone())
        .collect();
    // Of as many as answer and more than do not: a majority. Without any voter left, consensus refuses by itself.
    if voters == 0 || voters.saturating_sub(silent.len()) > silent.len() {
        return Ok(());
    }
    let removed = status.member(id).map_or_else(String::new, |member| member.node.name.clone());
    Err(ClusterError::NoQuorumWithout { removed, silent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::types::Node;

    /// The first `voters` of `all` nodes vote.
    fn cluster(voters: u64, all: u64) -> Status {
        let member = |id: u64| crate::raft::status::Member {
            id,
            node: Node { address: format!("n{id}:7421"), name: format!("n{id}") },
            part: if id <= voters { Part::Voter } else { Part::Learner },
            lag: None,
        };
        Status {
            id: 1,
            leader: Some(1),
            term: 1,
            last: None,
            applied: None,
            members: (1..=all).map(member).collect(),
            confirmed: None,
            stopped: None,
        }
    }

    fn without(status: &Status, id: NodeId, there: &[NodeId]) -> Result<(), String> {
        is_majority(status, id, &there.iter().copied().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_live_voter_stays_while_the_rest_would_be_no_majority() {
        assert_eq!(
            without(&cluster(3, 3), 2, &[1]).unwrap_err(),
            "n3 does not answer, and without n2 the rest would be no majority: remove n3 first, or bring it back"
        );
        assert_eq!(
            without(&cluster(5, 5), 1, &[2, 3]).unwrap_err(),
            "n4 and n5 do not answer, and without n1 the rest would be no majority: remove n4 and n5 first, or bring them back"
        );
    }

    #[test]
    fn whoever_is_not_needed_for_a_majority_may_go() {
        assert_eq!(without(&cluster(3, 3), 3, &[1, 2]), Ok(()), "a dead one");
        assert_eq!(without(&cluster(3, 3), 1, &[2, 3]), Ok(()), "the leader");
        assert_eq!(without(&cluster(4, 4), 2, &[1, 3]), Ok(()), "one of four, another dead");
        assert_eq!(without(&cluster(2, 2), 2, &[1]), Ok(()), "the other of two");
        assert_eq!(without(&cluster(3, 4), 4, &[1]), Ok(()), "who does not vote");
        assert_eq!(without(&cluster(1, 1), 1, &[]), Ok(()), "the last, which consensus refuses");
        assert!(without(&cluster(3, 5), 2, &[1, 4, 5]).is_err(), "who does not vote is no help");
    }
}
