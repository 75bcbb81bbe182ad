//! Nodes that are removed.

use super::nodes::{founder, three};
use crate::pki::Identity;
use crate::raft::error::ClusterError;

#[test]
fn a_leader_removes_itself_and_the_others_elect_another() {
    let nodes = three(&Identity::new_ca("test").unwrap());
    let [first, second, third] = &nodes[..] else { panic!("three nodes") };
    first.set("key=before");
    first.run(first.cluster().remove(first.id)).unwrap();
    for node in [second, third] {
        let elsewhere = node.wait(|status| status.leader.is_some_and(|leader| leader != first.id));
        assert!(elsewhere.member(first.id).is_none());
    }
    second.set("key=after");
    assert_eq!(third.get("key").as_deref(), Some("after"));
    let refused = first.run(first.cluster().propose(b"key=removed".to_vec()));
    assert_eq!(refused, Err(ClusterError::NotAMember(first.id)));
}

#[test]
fn a_node_that_was_removed_while_away_hears_of_it_and_disturbs_nobody() {
    let mut nodes = three(&Identity::new_ca("test").unwrap());
    let mut third = nodes.pop().unwrap();
    third.kill();
    nodes[0].run(nodes[0].cluster().remove(third.id)).unwrap();
    for node in &nodes {
        node.wait(|status| status.member(third.id).is_none());
        node.machine.removed.lock().push(third.id);
    }
    let before = nodes[0].cluster().status();
    third.restart();
    third.run(third.cluster().removed());
    assert!(third.cluster().is_removed() && !nodes[0].cluster().is_removed());
    nodes[0].set("key=value");
    let after = nodes[0].cluster().status();
    assert_eq!((after.leader, after.term), (before.leader, before.term));
}

#[test]
fn the_last_node_that_votes_stays() {
    let only = founder(&Identity::new_ca("test").unwrap(), 10_000);
    assert_eq!(only.run(only.cluster().remove(only.id)), Err(ClusterError::LastVoter));
}
