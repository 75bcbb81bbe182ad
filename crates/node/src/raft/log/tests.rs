//! What the file remembers of votes, whenever the process ends.

use std::path::Path;

use openraft::storage::RaftLogStorage;
use openraft::{CommittedLeaderId, EntryPayload};

use super::file::{LogFile, Owner};
use super::{FILE, LogError, LogStore};
use crate::raft::types::{Entry, LogId, NodeId, Vote};

const OWNER: Owner = Owner { node: 7, cluster: [1; 32] };
/// Two that lose a tie of terms against this node, as openraft orders votes, and two that win it.
const OTHERS: [NodeId; 4] = [1, 2, 8, 9];

fn open(folder: &Path) -> LogFile {
    LogFile::open(&folder.join(FILE), OWNER).unwrap().0
}

/// Does `work` as the log's thread does: what it answers is told after the commit.
fn durably(file: &LogFile, work: impl FnOnce(&LogFile) -> Result<(), LogError>) {
    file.begin().unwrap();
    work(file).unwrap();
    file.commit().unwrap();
}

fn entry(vote: &Vote, index: u64) -> Entry {
    let leader = vote.leader_id();
    let log_id = LogId::new(CommittedLeaderId::new(leader.term, leader.node_id), index);
    Entry { log_id, payload: EntryPayload::Blank }
}

/// Numbers that look random, and are the same again for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A node that takes steps as consensus does, and what it has told others meanwhile.
struct Voter {
    file: LogFile,
    vote: Vote,
    /// The file is not to forget this: the highest vote given to a candidate, or under which something was written that a leader counts on.
    owed: Vote,
    /// Votes of leaders that this node has followed.
    followed: Vec<Vote>,
    next: u64,
}

impl Voter {
    fn new(folder: &Path) -> Voter {
        let (vote, owed) = (Vote::default(), Vote::default());
        Voter { file: open(folder), vote, owed, followed: vec![vote], next: 0 }
    }

    fn step(&mut self, numbers: &mut Numbers) {
        let term = self.vote.leader_id().term;
        match numbers.below(8) {
            0 | 1 => self.give(Vote::new(term + 1, OWNER.node)),
            2 | 3 => {
                let vote = Vote::new(term + numbers.below(10), OTHERS[numbers.below(4) as usize]);
                if vote > self.vote {
                    self.give(vote);
                }
            }
            4 => self.follow(self.vote),
            5 => self.follow(Vote::new(term + numbers.below(4), OTHERS[numbers.below(4) as usize])),
            6 if self.vote.is_committed() => {
                let entry = entry(&self.vote, self.next);
                durably(&self.file, |file| file.append(&[entry]));
                self.next += 1;
                self.owed = self.vote;
            }
            // Entries are forgotten at any time, and that is of no vote.
            _ => durably(&self.file, |file| file.purge(entry(&Vote::default(), 0).log_id)),
        }
    }

    fn give(&mut self, vote: Vote) {
        durably(&self.file, |file| file.give_vote(vote));
        (self.vote, self.owed) = (vote, vote);
    }

    fn follow(&mut self, vote: Vote) {
        let vote = Vote::new_committed(vote.leader_id().term, vote.leader_id().node_id);
        if vote > self.vote {
            durably(&self.file, |file| {
                file.follow(vote);
                Ok(())
            });
            self.vote = vote;
            self.followed.push(vote);
        }
    }

    /// The process ends, in the middle of a step that it has told nobody of, and begins again.
    fn end(self, folder: &Path) -> Voter {
        let Voter { file, vote, owed, followed, next } = self;
        file.begin().unwrap();
        file.give_vote(Vote::new(vote.leader_id().term + 1, OWNER.node)).unwrap();
        drop(file);
        let file = open(folder);
        let vote = file.vote().unwrap().unwrap_or_default();
        assert!(
            vote >= owed,
            "{owed} was owed, and {vote} is remembered: all between could be voted for again"
        );
        assert!(!vote.is_committed() || followed.contains(&vote), "{vote} was never a leader's");
        Voter { file, vote, owed, followed, next }
    }
}

#[test]
fn no_vote_that_was_answered_is_undercut_whenever_the_process_ends() {
    let mut seed = [0; 8];
    openssl::rand::rand_bytes(&mut seed).unwrap();
    let seed = u64::from_be_bytes(seed);
    println!("seed: {seed:#x}");
    let mut numbers = Numbers(seed);
    for _ in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut voter = Voter::new(folder.path());
        for _ in 0..25 {
            for _ in 0..numbers.below(8) {
                voter.step(&mut numbers);
            }
            voter = voter.end(folder.path());
        }
    }
}

#[test]
fn further_tries_write_nothing_and_a_restart_stands_in_none_of_their_terms() {
    let folder = tempfile::tempdir().unwrap();
    let remembered = |tries: u64| {
        let file = open(folder.path());
        for term in 5..5 + tries {
            durably(&file, |file| file.give_vote(Vote::new(term, OWNER.node)));
        }
        drop(file);
        open(folder.path()).vote().unwrap().unwrap()
    };
    let once = remembered(1);
    assert!(!once.is_committed() && once.leader_id().node_id == OWNER.node);
    assert!(once > Vote::new(8, 9), "the next terms are promised");
    assert_eq!(remembered(4), once);
}

#[test]
fn a_leader_is_remembered_from_its_first_entry_on_and_at_a_peaceful_end() {
    let folder = tempfile::tempdir().unwrap();
    let leader = Vote::new_committed(5, 8);
    let file = open(folder.path());
    durably(&file, |file| file.give_vote(Vote::new(5, 8)));
    durably(&file, |file| {
        file.follow(leader);
        Ok(())
    });
    drop(file);
    let promised = open(folder.path()).vote().unwrap().unwrap();
    assert!(promised > leader, "nothing was taken from it yet: the promise holds");

    let file = open(folder.path());
    file.follow(leader);
    durably(&file, |file| file.append(&[entry(&leader, 0)]));
    drop(file);
    assert_eq!(open(folder.path()).vote().unwrap(), Some(leader), "the next start does not depose it");

    let file = open(folder.path());
    let next = Vote::new_committed(6, 9);
    file.follow(next);
    file.settle().unwrap();
    drop(file);
    assert_eq!(open(folder.path()).vote().unwrap(), Some(next));
}

#[test]
fn after_a_failed_write_no_vote_is_given_even_if_it_was_promised() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut log = LogStore::open(&folder.path().join(FILE), OWNER).unwrap();
    runtime.block_on(async {
        log.save_vote(&Vote::new(5, OWNER.node)).await.unwrap();
        let failed = log.thread.run::<()>(|_| Err(LogError::Position(u64::MAX))).await;
        assert!(failed.is_err());
        assert!(log.save_vote(&Vote::new(6, OWNER.node)).await.is_err());
        log.save_vote(&Vote::new_committed(6, 9)).await.unwrap();
        assert!(log.truncate(entry(&Vote::default(), 0).log_id).await.is_err(), "nor anything written");
    });
    drop(log);
    // The thread lets go of the file when its last queue is gone; whoever opens it waits for that.
    let mut log = LogStore::open(&folder.path().join(FILE), OWNER).unwrap();
    let vote = runtime.block_on(log.read_vote()).unwrap().unwrap();
    assert!(vote > Vote::new(6, 9) && !vote.is_committed(), "{vote}");
}
