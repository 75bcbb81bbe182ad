//! How a node comes by the cluster keys: from the others, or, if none of them has any, by drawing the first.

use crate::member::Member;
use crate::neighbours::{Question, Reply};
use crate::raft::status::Status;
use crate::raft::types::NodeId;
use crate::ring::Ring;
use cloister::attribute::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Between two tries, until the node has what it needs to serve.
const AGAIN: Duration = Duration::from_millis(200);
/// The same after that, for what only nodes have that did not answer yet.
const LATER: Duration = Duration::from_secs(2);
/// How long another node may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a leader that has no key waits for members that do not answer: one of them may have the key that the logins of now are sealed with.
const HOPE: Duration = Duration::from_secs(10);

/// Each time another leader is elected: gets the cluster keys that other nodes have. A leader draws the first if there is none.
pub(super) async fn keep_keys(member: Arc<Member>) {
    let reign = |status: &Status| (status.term, status.leader);
    let mut settled = None;
    loop {
        let unsettled = |now: &Status| now.leader.is_some() && Some(reign(now)) != settled;
        let Ok(status) = member.cluster.wait_until(Duration::MAX, unsettled).await else { return };
        let Some(leader) = status.leader else { continue };
        let ends = member.cluster.wait_until(Duration::MAX, |now| reign(now) != reign(&status));
        tokio::select! {
            () = gather(&member, leader) => settled = Some(reign(&status)),
            ended = ends => if ended.is_err() { return },
        }
    }
}

/// Returns when this node has got what there is: every other member has answered under this leader, and there is a key.
async fn gather(member: &Arc<Member>, leader: NodeId) {
    let mut gathering = Gathering::under(leader, member.cluster.id());
    loop {
        let members: Vec<NodeId> = member.cluster.members().iter().map(|member| member.id).collect();
        let asked = gathering.unheard(&members, &member.ring);
        let mut answers: JoinSet<_> = asked.into_iter().map(|id| masters_of(member.clone(), id)).collect();
        while let Some(answer) = answers.join_next().await {
            if let Ok((id, Some(masters))) = answer {
                gathering.hear(id, &masters, &member.ring);
            }
        }
        match gathering.next(&members, &member.ring) {
            None => return,
            Some(pause) => sleep(pause).await,
        }
    }
}

/// A member's keys; `None`: it did not answer.
async fn masters_of(member: Arc<Member>, id: NodeId) -> (NodeId, Option<Vec<Bytes>>) {
    let asked = timeout(PATIENCE, member.cluster.ask(id, Question::Keys.to_bytes())).await;
    let masters = match asked {
        Ok(Ok(answer)) => match Reply::from_bytes(&answer) {
            Some(Reply::Keys(masters)) => Some(masters),
            _ => None,
        },
        _ => None,
    };
    (id, masters)
}

/// Who has told what keys it has, under one leader.
struct Gathering {
    leader: NodeId,
    own: NodeId,
    since: Instant,
    heard: BTreeSet<NodeId>,
}

impl Gathering {
    fn under(leader: NodeId, own: NodeId) -> Gathering {
        Gathering { leader, own, since: Instant::now(), heard: BTreeSet::new() }
    }

    /// Whom to ask now. Without any key all once more: who had none may have got one meanwhile.
    fn unheard(&mut self, members: &[NodeId], ring: &Ring) -> Vec<NodeId> {
        if ring.is_empty() {
            self.heard.clear();
        }
        let unheard = |id: &&NodeId| **id != self.own && !self.heard.contains(*id);
        members.iter().filter(unheard).copied().collect()
    }

    /// A member has these keys.
    fn hear(&mut self, id: NodeId, masters: &[Bytes], ring: &Ring) {
        if let Err(error) = ring.adopt(masters, id == self.leader) {
            tracing::error!("a cluster key can't be taken over: {}", error.name());
        }
        // A leader without any will have one soon.
        if id != self.leader || !masters.is_empty() {
            self.heard.insert(id);
        }
    }

    /// After all that could be asked have been: how long to wait until the next try; `None`: there is nothing more to get.
    fn next(&self, members: &[NodeId], ring: &Ring) -> Option<Duration> {
        let all = members.iter().all(|id| *id == self.own || self.heard.contains(id));
        let leads = self.leader == self.own;
        if leads
            && (all || self.since.elapsed() >= HOPE)
            && let Err(error) = ring.draw()
        {
            tracing::error!("a cluster key can't be drawn: {}", error.name());
        }
        match ring.is_empty() || !(leads || self.heard.contains(&self.leader)) {
            true => Some(AGAIN),
            false => (!all).then_some(LATER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [NodeId; 3] = [1, 2, 3];

    fn masters(numbers: &[u8]) -> Vec<Bytes> {
        numbers.iter().map(|number| vec![*number; 32].into()).collect()
    }

    /// Node 1 asks, led by this one.
    fn led_by(leader: NodeId) -> (Gathering, Ring) {
        (Gathering::under(leader, 1), Ring::default())
    }

    /// As if the leader had led for that long already.
    fn led_for(gathering: &mut Gathering, time: Duration) {
        gathering.since = Instant::now().checked_sub(time).unwrap();
    }

    #[test]
    fn a_leader_without_a_key_draws_none_while_a_member_that_may_have_one_has_not_answered() {
        let (mut leader, ring) = led_by(1);
        assert_eq!(leader.unheard(&MEMBERS, &ring), [2, 3]);
        leader.hear(2, &[], &ring);
        assert_eq!(leader.next(&MEMBERS, &ring), Some(AGAIN));
        assert!(ring.is_empty(), "the third has not said that it has none");
        assert_eq!(leader.unheard(&MEMBERS, &ring), [2, 3], "the second may have got some");
        leader.hear(3, &masters(&[7]), &ring);
        assert_eq!(ring.masters(), masters(&[7]));
        leader.hear(2, &[], &ring);
        assert_eq!(leader.next(&MEMBERS, &ring), None);
        assert_eq!(ring.masters(), masters(&[7]), "none is drawn");
    }

    #[test]
    fn a_leader_draws_when_all_have_said_that_they_have_none_or_have_been_silent_too_long() {
        let (mut leader, ring) = led_by(1);
        leader.hear(2, &[], &ring);
        leader.hear(3, &[], &ring);
        assert_eq!(leader.next(&MEMBERS, &ring), None);
        assert!(!ring.is_empty());
        let (alone, ring) = led_by(1);
        assert_eq!(alone.next(&[1], &ring), None);
        assert!(!ring.is_empty(), "there are no others");

        let (mut leader, ring) = led_by(1);
        led_for(&mut leader, HOPE);
        assert_eq!(leader.next(&MEMBERS, &ring), Some(LATER), "it goes on asking");
        let drawn = ring.masters();
        assert_eq!(leader.unheard(&MEMBERS, &ring), [2, 3]);
        leader.hear(3, &masters(&[7]), &ring);
        assert_eq!(ring.masters(), [drawn, masters(&[7])].concat(), "what it has used stays first");
        assert_eq!(leader.unheard(&MEMBERS, &ring), [2]);
    }

    #[test]
    fn a_follower_draws_none_and_waits_for_its_leaders() {
        let (mut follower, ring) = led_by(2);
        led_for(&mut follower, HOPE);
        follower.hear(2, &[], &ring);
        follower.hear(3, &[], &ring);
        assert_eq!(follower.next(&MEMBERS, &ring), Some(AGAIN));
        assert!(ring.is_empty());
        follower.hear(3, &masters(&[7]), &ring);
        assert_eq!(follower.next(&MEMBERS, &ring), Some(AGAIN), "the leader's is that in use");
        follower.hear(2, &masters(&[8]), &ring);
        assert_eq!(follower.next(&MEMBERS, &ring), None);
        assert_eq!(ring.masters(), masters(&[8, 7]));
    }
}
