//! Nodes that agree.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::machine::POISON;
use super::nodes::{PATIENCE, TestNode, founder, three};
use crate::pki::Identity;
use crate::raft::cluster::LONGEST_COMMAND;
use crate::raft::error::ClusterError;
use crate::raft::status::Part;

fn ca() -> Identity {
    Identity::new_ca("test").unwrap()
}

#[test]
fn three_nodes_agree_lose_their_leader_go_on_and_take_it_back() {
    let mut nodes = three(&ca());
    for (number, node) in nodes.iter().enumerate() {
        node.set(&format!("key{number}={number}"));
    }
    for node in &nodes {
        for number in 0..3 {
            assert_eq!(node.get(&format!("key{number}")), Some(number.to_string()), "at {}", node.node.name);
        }
    }

    let lost = nodes[0].id;
    nodes[0].kill();
    let status = nodes[1].wait(|status| status.leader.is_some_and(|leader| leader != lost));
    nodes[2].wait(|other| other.leader == status.leader);
    let mut last = 0;
    for number in 0..20 {
        last = nodes[1 + number % 2].set(&format!("without{number}=yes"));
    }

    nodes[0].restart();
    nodes[0].wait(|status| status.applied >= Some(last));
    assert_eq!(nodes[0].machine.all().len(), 23);
    for node in &nodes[1..] {
        node.run(node.cluster().wait_applied(last)).unwrap();
        assert_eq!(node.machine.all(), nodes[0].machine.all());
    }
    assert_eq!(nodes[0].get("without19").as_deref(), Some("yes"));
    assert_eq!(nodes[0].set("key0=again"), last + 1);
}

#[test]
fn a_new_learner_gets_a_snapshot_where_the_log_is_gone_and_then_what_follows() {
    let ca = ca();
    let leader = founder(&ca, 20);
    for number in 0..100 {
        leader.set(&format!("key{number}={number}"));
    }
    leader.run(leader.cluster().snapshot()).unwrap();

    let learner = TestNode::start(&ca, "n2", 20);
    leader.add(&learner);
    let last = leader.set("after=yes");
    learner.wait(|status| status.applied >= Some(last));
    assert_eq!(learner.machine.all(), leader.machine.all());
    assert!(learner.file("snapshots/current").exists(), "it came as a snapshot");
    assert_eq!(learner.status_of(learner.id), Some(Part::Learner));
    leader.wait(|status| status.member(learner.id).and_then(|member| member.lag) == Some(0));
}

#[test]
fn a_snapshot_that_is_asked_for_while_one_is_taken_has_what_came_meanwhile() {
    let node = founder(&ca(), 10_000);
    node.set("before=yes");
    let slow = node.machine.copied.lock();
    node.run(async {
        let first = node.cluster().snapshot();
        let second = async {
            node.machine.wait_for_copies(1).await;
            node.cluster().propose(b"meanwhile=yes".to_vec()).await.unwrap();
            let release = async { drop(slow) };
            tokio::join!(node.cluster().snapshot(), release).0
        };
        let (first, second) = tokio::join!(first, second);
        first.unwrap();
        second.unwrap();
        node.machine.wait_for_copies(2).await;
    });
}

#[test]
fn members_come_and_go_one_at_a_time() {
    let mut nodes = three(&ca());
    let third = nodes.pop().unwrap();
    let (leader, second) = (&nodes[0], &nodes[1]);
    assert_eq!(leader.status_of(third.id), Some(Part::Voter));
    let not_leader = second.run(second.cluster().remove(third.id));
    assert_eq!(not_leader, Err(ClusterError::NotLeader(Some((leader.id, leader.node.clone())))));
    assert_eq!(leader.run(leader.cluster().remove(1)), Err(ClusterError::NotAMember(1)));
    assert_eq!(leader.run(leader.cluster().promote(1)), Err(ClusterError::NotAMember(1)));
    assert_eq!(leader.run(leader.cluster().found(leader.node.clone())), Err(ClusterError::Founded));

    leader.run(leader.cluster().remove(third.id)).unwrap();
    second.wait(|status| status.member(third.id).is_none());
    assert_eq!(leader.cluster().members().len(), 2);
    leader.set("key=value");
    assert_eq!(second.get("key").as_deref(), Some("value"));
}

#[test]
fn without_a_majority_nothing_is_acknowledged_and_what_comes_back_is_one_story() {
    let mut nodes = three(&ca());
    nodes[0].set("key=before");
    nodes[1].kill();
    nodes[2].kill();
    let leader = &nodes[0];
    let barrier = leader.run(leader.cluster().read_barrier());
    assert_eq!(barrier, Err(ClusterError::NoQuorum), "a lone leader answers no read that must be current");
    nodes[1].restart();
    let index = nodes[1].set("key=after");
    nodes[0].run(nodes[0].cluster().wait_applied(index)).unwrap();
    assert_eq!(nodes[0].machine.get("key").as_deref(), Some("after"));
}

#[test]
fn a_storage_error_stops_the_node_and_says_why() {
    let node = founder(&ca(), 10_000);
    node.set("key=value");
    let proposed = node.run(node.cluster().propose(POISON.as_bytes().to_vec()));
    assert_eq!(proposed, Err(ClusterError::Unknown));
    let reason = node.run(node.cluster().stopped());
    assert!(reason.contains("the disk is full"), "{reason}");
    let proposed = node.run(node.cluster().propose(b"key=other".to_vec()));
    assert!(matches!(proposed, Err(ClusterError::Stopped(reason)) if reason.contains("the disk is full")));
    assert_eq!(node.machine.get("key").as_deref(), Some("value"));
}

#[test]
fn a_command_that_is_too_long_is_refused_before_it_is_proposed() {
    let node = founder(&ca(), 10_000);
    let before = node.cluster().status().last;
    let refused = node.run(node.cluster().propose(vec![b'x'; LONGEST_COMMAND + 1]));
    assert_eq!(refused, Err(ClusterError::TooLong(LONGEST_COMMAND)));
    assert_eq!(node.cluster().status().last, before);
    let longest = format!("key={}", "x".repeat(LONGEST_COMMAND - 4));
    node.set(&longest);
}

#[test]
fn what_is_proposed_while_an_entry_is_on_its_way_shares_the_next_one() {
    let node = founder(&ca(), 10_000);
    let propose = |number: usize| {
        let cluster = Arc::clone(node.cluster());
        async move { (number, cluster.propose(format!("key={number}").into_bytes()).await.unwrap()) }
    };
    let gate = node.machine.gate.lock();
    let proposals = node.run(async {
        let before = node.cluster().status().last;
        let mut proposals = JoinSet::new();
        proposals.spawn(propose(0));
        // The first is in the log and waits at the gate; the others can but gather.
        node.cluster().wait_until(PATIENCE, |status| status.last > before).await.unwrap();
        for number in 1..64 {
            proposals.spawn(propose(number));
        }
        while node.cluster().waiting() < 63 {
            tokio::task::yield_now().await;
        }
        proposals
    });
    drop(gate);
    let answers = node.run(proposals.join_all());
    let index = |number: usize| answers.iter().find(|(found, _)| *found == number).unwrap().1.0;
    let second = index(0) + 1;
    assert!((1..64).all(|number| index(number) == second), "63 proposals, one entry");
    // Each got the answer to its own command: every value but the last was before some other.
    let mut before: Vec<String> =
        answers.iter().map(|(_, (_, answer))| String::from_utf8(answer.clone()).unwrap()).collect();
    before.push(node.machine.get("key").unwrap());
    before.sort();
    let mut all: Vec<String> = (0..64).map(|number| number.to_string()).chain([String::new()]).collect();
    all.sort();
    assert_eq!(before, all);
}

impl TestNode {
    /// What a member is, as this node sees it.
    fn status_of(&self, id: u64) -> Option<Part> {
        self.cluster().status().member(id).map(|member| member.part)
    }
}
