//! A leader that was killed between the two entries by which voters are changed.

use std::collections::{BTreeMap, BTreeSet};

use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use openraft::{EntryPayload, Membership};

use super::nodes::{PATIENCE, TestNode, three};
use crate::pki::Identity;
use crate::raft::log::LogStore;
use crate::raft::types::{Entry, LogId};

/// Begins a change of the voters in the log of a node that does not run: of the first two, by all of `nodes`. Answers its index.
async fn begin_change(node: &TestNode, nodes: &[TestNode]) -> u64 {
    let mut log = LogStore::open(&node.file("raft.db"), node.owner()).unwrap();
    let last = log.get_log_state().await.unwrap().last_log_id.unwrap();
    let voters = |count: usize| nodes.iter().take(count).map(|node| node.id).collect::<BTreeSet<_>>();
    let members: BTreeMap<_, _> = nodes.iter().map(|node| (node.id, node.node.clone())).collect();
    let change = Membership::new(vec![voters(2), voters(3)], members);
    let log_id = LogId::new(last.leader_id, last.index + 1);
    log.blocking_append([Entry { log_id, payload: EntryPayload::Membership(change) }]).await.unwrap();
    log_id.index
}

#[test]
fn a_change_of_the_voters_is_finished_by_who_leads_after_its_leader_and_needs_the_old_ones_no_more() {
    let mut nodes = three(&Identity::new_ca("test").unwrap());
    let last = nodes[0].set("key=before");
    nodes.iter().for_each(|node| node.run(node.cluster().wait_applied(last)).unwrap());
    nodes.iter_mut().for_each(TestNode::kill);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begun: Vec<u64> = nodes.iter().map(|node| runtime.block_on(begin_change(node, &nodes))).collect();
    assert!(begun.iter().all(|index| *index == begun[0]), "{begun:?}");
    nodes.iter_mut().for_each(TestNode::restart);
    for node in &nodes {
        node.wait(|status| status.applied >= Some(begun[0]));
    }
    let leader = nodes[2].wait(|status| status.leader.is_some()).leader;
    let lost = nodes[..2].iter().position(|node| Some(node.id) != leader).unwrap();
    nodes[lost].kill();
    let began = std::time::Instant::now();
    while nodes[2].run(nodes[2].cluster().read_barrier()).is_err() {
        assert!(began.elapsed() < PATIENCE, "one of three is gone, and nothing can be read");
    }
    nodes[2].set("key=after");
    assert_eq!(nodes[1 - lost].get("key").as_deref(), Some("after"));
}
