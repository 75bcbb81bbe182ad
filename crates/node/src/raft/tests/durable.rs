//! A process that appends is killed again and again: what it was told is durable must be there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use openraft::{CommittedLeaderId, EntryPayload, RaftLogReader};

use crate::raft::log::{LogStore, Owner};
use crate::raft::types::{Commands, Entry, LogId, Vote};

const OWNER: Owner = Owner { node: 7, cluster: [1; 32] };
const FOLDER: &str = "CLOISTER_TEST_RAFT_FOLDER";
const ROUNDS: u64 = 10;

fn entry(index: u64) -> Entry {
    let command = index.to_be_bytes().repeat(1 + (index % 50) as usize);
    let log_id = LogId::new(CommittedLeaderId::new(1, OWNER.node), index);
    Entry { log_id, payload: EntryPayload::Normal(Commands(vec![command])) }
}

/// The process that is killed. It appends one to three entries at a time, votes now and then, and tells of each as
/// soon as it is durable. Outside of the test below there is nothing for it to do.
#[test]
fn child_that_appends() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut log = LogStore::open(&Path::new(&folder).join("raft.db"), OWNER).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let say = |what: &str, number: u64| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\n{what} {number}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    runtime.block_on(async {
        let mut next = log.get_log_state().await.unwrap().last_log_id.map_or(0, |last| last.index + 1);
        loop {
            let after = next + 1 + next % 3;
            log.blocking_append((next..after).map(entry)).await.unwrap();
            say("appended", after - 1);
            if next.is_multiple_of(5) {
                log.save_vote(&Vote::new(after, OWNER.node)).await.unwrap();
                say("voted", after);
            }
            next = after;
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut appended, mut voted) = (None, None);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "raft::tests::durable::child_that_appends", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut heard = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            match line.unwrap().split_once(' ') {
                Some(("appended", index)) => appended = Some(index.parse::<u64>().unwrap()),
                Some(("voted", term)) => voted = Some(term.parse::<u64>().unwrap()),
                _ => continue,
            }
            heard += 1;
            if heard == 5 + 7 * round {
                // SIGKILL; what it said until then is still read.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        runtime.block_on(check(folder.path(), appended, voted));
    }
    assert!(appended > Some(ROUNDS) && voted.is_some());
}

async fn check(folder: &Path, appended: Option<u64>, voted: Option<u64>) {
    let mut log = LogStore::open(&folder.join("raft.db"), OWNER).unwrap();
    let entries = log.try_get_log_entries(..).await.unwrap();
    let last = entries.len() as u64 - 1;
    assert!(Some(last) >= appended, "{appended:?} was acknowledged, {last} is the last");
    for (index, found) in entries.into_iter().enumerate() {
        assert_eq!(found, entry(index as u64), "no gap, nothing changed");
    }
    let vote = log.read_vote().await.unwrap();
    assert!(
        vote.map(|vote| vote.leader_id().term) >= voted,
        "a vote for {voted:?} was acknowledged: {vote:?}"
    );
}
