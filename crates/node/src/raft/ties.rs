//! Elections that nobody wins are ended by chance, and each has the time that a slow disk takes.
//!
//! openraft draws a node's election timeout once, when it starts, and counts it from the moment that a vote is decided on, though neither candidate nor voter
//! goes on before the disk has it. Two nodes that have drawn almost the same would stand at the same moment, each with its own vote, again and
//! again; and where a vote takes the disk longer than the timeout, a voter would stand before the one it has just voted for could win, and a candidate
//! anew before it is answered. So who has stood or voted holds back for a time that is drawn anew each time, a voter longer than a candidate: the next try
//! is the candidate's, and what it takes of the disks has been promised by then.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::types::{NodeId, Raft, Vote};

/// Holds back after each of the `votes` of this node, `id`, that is no leader's yet, by the measure of `longest`, the longest that a
/// timeout lasts; until `removed` says that this node is to stand no more, or it ends.
pub(crate) async fn hold_back(
    raft: Raft,
    id: NodeId,
    mut votes: watch::Receiver<Option<Vote>>,
    longest: Duration,
    removed: watch::Receiver<bool>,
) {
    let mut until = None;
    loop {
        let held = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            news = votes.changed() => {
                if news.is_err() {
                    return;
                }
                let vote = *votes.borrow_and_update();
                let Some(vote) = vote.filter(|vote| !vote.is_committed()) else {
                    until = Some(Instant::now());
                    continue;
                };
                raft.runtime_config().elect(false);
                until = Some(Instant::now() + patience(is_by(&vote, id), longest));
            }
            () = held => {
                if *removed.borrow() {
                    return;
                }
                raft.runtime_config().elect(true);
                until = None;
            }
        }
    }
}

/// Whether a vote is that of `id` for itself.
pub(crate) fn is_by(vote: &Vote, id: NodeId) -> bool {
    vote.leader_id().voted_for() == Some(id)
}

/// How long to hold back after standing, or after a vote for another: half of `longest`, or all of it, and up to half more by chance.
fn patience(stood: bool, longest: Duration) -> Duration {
    let least = if stood { longest / 2 } else { longest };
    least + drawn(longest / 2)
}

/// A part of `longest`, by chance.
fn drawn(longest: Duration) -> Duration {
    let mut bytes = [0; 2];
    match openssl::rand::rand_bytes(&mut bytes) {
        Ok(()) => longest.mul_f64(f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX)),
        // Without chance the timers decide, as they would without this.
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voter_leaves_the_next_try_to_the_candidate() {
        let longest = Duration::from_millis(650);
        for _ in 0..64 {
            assert!(patience(true, longest) <= patience(false, longest));
        }
    }

    #[test]
    fn what_is_drawn_differs_and_is_never_more_than_the_longest() {
        let longest = Duration::from_millis(800);
        let drawn: std::collections::HashSet<Duration> = (0..64).map(|_| drawn(longest)).collect();
        assert!(drawn.len() > 32 && drawn.iter().all(|drawn| *drawn <= longest));
    }
}
