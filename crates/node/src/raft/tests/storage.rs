//! openraft's own suite for log stores and state machines, on ours; and whose log is whose.

use std::path::Path;
use std::sync::Arc;

use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use openraft::testing::{StoreBuilder, Suite};
use openraft::{CommittedLeaderId, EntryPayload};
use tempfile::TempDir;

use super::machine::KeyValue;
use crate::raft::log::{LogError, LogStore, Owner};
use crate::raft::snapshot::Snapshots;
use crate::raft::state_machine::StateMachine;
use crate::raft::types::{Applied, Entry, LogId, StorageError, Types, Vote};

const OWNER: Owner = Owner { node: 7, cluster: [1; 32] };

struct OnDisk;

impl StoreBuilder<Types, LogStore, StateMachine, TempDir> for OnDisk {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError> {
        let folder = tempfile::tempdir().unwrap();
        let log = LogStore::open(&folder.path().join("raft.db"), OWNER).unwrap();
        let machine = Arc::new(KeyValue::open(&folder.path().join("state.db")));
        let snapshots = Snapshots::open(folder.path().join("snapshots")).unwrap();
        Ok((folder, log, StateMachine::new(machine, snapshots)))
    }
}

#[test]
fn the_log_and_the_state_machine_pass_openrafts_own_suite() {
    Suite::test_all(OnDisk).unwrap();
}

#[test]
fn the_log_of_another_node_or_cluster_or_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raft.db");
    drop(LogStore::open(&path, OWNER).unwrap());
    let other_node = LogStore::open(&path, Owner { node: 8, ..OWNER });
    assert!(matches!(other_node.err(), Some(LogError::OtherNode { node: 7, .. })));
    let other_cluster = LogStore::open(&path, Owner { cluster: [2; 32], ..OWNER });
    assert!(matches!(other_cluster.err(), Some(LogError::OtherCluster(_))));
    drop(LogStore::open(&path, OWNER).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    assert!(matches!(LogStore::open(&path, OWNER).err(), Some(LogError::Newer(_))));
}

#[test]
fn a_log_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raft.db");
    let _open = LogStore::open(&path, OWNER).unwrap();
    assert!(matches!(LogStore::open(&path, OWNER).err(), Some(LogError::InUse(_))));
}

#[test]
fn a_log_without_its_state_and_a_state_without_its_log_do_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raft.db");
    let position = |index| LogId::new(CommittedLeaderId::new(1, OWNER.node), index);
    let state = |index| Applied { last: Some(position(index)), ..Applied::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let mut log = LogStore::open(&path, OWNER).unwrap();
    assert!(log.fits(&Applied::default()).is_ok(), "a new node");
    assert!(matches!(log.fits(&state(9)), Err(LogError::Lost)));
    runtime.block_on(log.purge(position(5))).unwrap();
    drop(log);
    let log = LogStore::open(&path, OWNER).unwrap();
    assert!(log.fits(&state(5)).is_ok(), "a node that starts again");
    assert!(matches!(log.fits(&state(4)), Err(LogError::StateLost)));
    assert!(matches!(log.fits(&Applied::default()), Err(LogError::StateLost)));
}

/// The vote that a node would start with if it died at this moment.
async fn after_a_crash(path: &Path) -> Option<Vote> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("raft.db");
    for end in ["", "-wal"] {
        let beside = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(beside(path), beside(&copy)).unwrap();
    }
    LogStore::open(&copy, OWNER).unwrap().read_vote().await.unwrap()
}

#[tokio::test]
async fn a_vote_is_promised_with_the_next_terms_which_then_cost_no_write_and_are_given_to_nobody_after_a_crash()
 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raft.db");
    let mut log = LogStore::open(&path, OWNER).unwrap();
    let written = || std::fs::metadata(folder.path().join("raft.db-wal")).unwrap().len();
    let before = written();
    log.save_vote(&Vote::new(3, 8)).await.unwrap();
    let first = written();
    assert!(first > before);
    log.save_vote(&Vote::new(4, 9)).await.unwrap();
    assert_eq!((written(), log.read_vote().await.unwrap()), (first, Some(Vote::new(4, 9))));
    let promised = after_a_crash(&path).await.unwrap();
    assert!(promised > Vote::new(4, u64::MAX) && promised.leader_id().voted_for() == Some(OWNER.node));
    let beyond = Vote::new(promised.leader_id().term, 9);
    log.save_vote(&beyond).await.unwrap();
    assert!(written() > first && after_a_crash(&path).await.unwrap() > beyond);
}

#[tokio::test]
async fn a_leaders_vote_is_written_with_its_first_entry_and_ends_what_was_promised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raft.db");
    let mut log = LogStore::open(&path, OWNER).unwrap();
    log.save_vote(&Vote::new(3, 8)).await.unwrap();
    let promised = after_a_crash(&path).await;
    let elected = Vote::new_committed(3, 8);
    log.save_vote(&elected).await.unwrap();
    assert_eq!((log.read_vote().await.unwrap(), after_a_crash(&path).await), (Some(elected), promised));
    let log_id = LogId::new(CommittedLeaderId::new(3, 8), 1);
    log.blocking_append([Entry { log_id, payload: EntryPayload::Blank }]).await.unwrap();
    assert_eq!(after_a_crash(&path).await, Some(elected));
    // What comes next is promised anew, and no older vote takes its place.
    log.save_vote(&Vote::new(4, 9)).await.unwrap();
    assert!(after_a_crash(&path).await > Some(Vote::new(4, u64::MAX)));
    drop(log);
    assert!(LogStore::open(&path, OWNER).unwrap().read_vote().await.unwrap() > Some(Vote::new(4, u64::MAX)));
}
