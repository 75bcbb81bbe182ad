//! Elections that nobody wins are ended by chance.
//!
//! openraft draws a node's election timeout once, when it starts. Two nodes that have drawn almost the same stand at the same moment, each
//! with its own vote, and would do so again and again: on a busy machine for minutes. So a node whose cluster has seen an election without a winner holds
//! back for a time that is drawn anew for each, and leaves the field to whoever has drawn less.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::types::Raft;

/// Holds back after elections that nobody has won, for up to `longest` each, until `removed` says that this node is to stand no more, or it ends.
pub(crate) async fn hold_back(raft: Raft, longest: Duration, removed: watch::Receiver<bool>) {
    let mut news = raft.metrics();
    let (mut led, mut tried) = (0, 0);
    while news.changed().await.is_ok() {
        let (term, leader) = {
            let metrics = news.borrow_and_update();
            (metrics.current_term, metrics.current_leader)
        };
        if leader.is_some() {
            (led, tried) = (term, term);
            continue;
        }
        // The first election after a leader is as fast as it may be.
        if term <= tried || !is_another_try(led, term) {
            continue;
        }
        tried = term;
        raft.runtime_config().elect(false);
        sleep(drawn(longest)).await;
        if *removed.borrow() {
            return;
        }
        raft.runtime_config().elect(true);
    }
}

/// Whether the election of `term` is not the first since the leader of the term `led`.
fn is_another_try(led: u64, term: u64) -> bool {
    term > led.saturating_add(1)
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
    fn only_an_election_after_a_lost_one_is_held_back() {
        assert!(!is_another_try(3, 3) && !is_another_try(3, 4) && is_another_try(3, 5));
    }

    #[test]
    fn what_is_drawn_differs_and_is_never_more_than_the_longest() {
        let longest = Duration::from_millis(800);
        let drawn: std::collections::HashSet<Duration> = (0..64).map(|_| drawn(longest)).collect();
        assert!(drawn.len() > 32 && drawn.iter().all(|drawn| *drawn <= longest));
    }
}
