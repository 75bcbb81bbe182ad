//! Elections that nobody wins are ended by chance, and each has the time that a slow disk takes.
//!
//! openraft draws a node's election timeout once, when it starts, and counts it from the moment that a vote is decided on, though neither candidate nor voter
//! goes on before the disk has it. Two nodes that have drawn almost the same would stand at the same moment, each with its own vote, again and
//! again; and where a vote takes the disk longer than the timeout, a voter would stand before the one it has just voted for could win, and a candidate
//! anew before it is answered. So who has stood or voted holds back for a time that is drawn anew each time, after the first vote a voter longer than the candidate:
//! the next try is the candidate's, and what it takes of the disks has been promised by then.

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
    let (mut until, mut tries) = (None, Tries::default());
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
                let patience = tries.patience(vote, id, longest);
                if patience.is_some() {
                    raft.runtime_config().elect(false);
                }
                until = Some(Instant::now() + patience.unwrap_or_default());
            }
            () = held => {
                raft.runtime_config().elect(true);
                until = None;
                // Asked after that: who is told of its removal in between has the last word all the same.
                if *removed.borrow() {
                    raft.runtime_config().elect(false);
                    return;
                }
            }
        }
    }
}

/// Whether a vote is that of `id` for itself.
pub(crate) fn is_by(vote: &Vote, id: NodeId) -> bool {
    vote.leader_id().voted_for() == Some(id)
}

/// The tries since a leader was followed last.
#[derive(Default)]
struct Tries {
    begun: bool,
}

impl Tries {
    /// How long to hold back after this vote of `id`; `None`: it is a leader's. Half of `longest`, or all of it after the first try of another, and up to
    /// half more by chance. After later ones no longer than a candidate: it may be one that can never win, and whoever could would wait for it for ever.
    fn patience(&mut self, vote: Option<Vote>, id: NodeId, longest: Duration) -> Option<Duration> {
        let Some(vote) = vote.filter(|vote| !vote.is_committed()) else {
            self.begun = false;
            return None;
        };
        let is_first = !std::mem::replace(&mut self.begun, true);
        let least = if is_first && !is_by(&vote, id) { longest } else { longest / 2 };
        Some(least + drawn(longest / 2))
    }
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

    const LONGEST: Duration = Duration::from_millis(650);

    #[test]
    fn a_voter_leaves_the_next_try_to_the_candidate() {
        for _ in 0..64 {
            let candidate = Tries::default().patience(Some(Vote::new(2, 1)), 1, LONGEST);
            let voter = Tries::default().patience(Some(Vote::new(2, 1)), 3, LONGEST);
            assert!(candidate.is_some() && candidate <= voter);
        }
    }

    #[test]
    fn whoever_tries_again_and_again_keeps_nobody_else_from_trying() {
        let mut tries = Tries::default();
        tries.patience(Some(Vote::new(2, 1)), 3, LONGEST);
        let later = (3..67).map(|term| tries.patience(Some(Vote::new(term, 1)), 3, LONGEST));
        assert!(later.flatten().filter(|patience| *patience <= LONGEST).count() == 64);
        assert_eq!(tries.patience(Some(Vote::new_committed(67, 1)), 3, LONGEST), None);
        assert!(tries.patience(Some(Vote::new(68, 1)), 3, LONGEST) >= Some(LONGEST), "after a leader anew");
    }

    #[test]
    fn what_is_drawn_differs_and_is_never_more_than_the_longest() {
        let longest = Duration::from_millis(800);
        let drawn: std::collections::HashSet<Duration> = (0..64).map(|_| drawn(longest)).collect();
        assert!(drawn.len() > 32 && drawn.iter().all(|drawn| *drawn <= longest));
    }
}
