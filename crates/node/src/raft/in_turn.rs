//! Entries are handed to consensus one message at a time, and only while their sender still waits for the answer.
//!
//! Consensus takes messages in the order of their arrival, each with a wait for the disk of its own. A leader gives a message up after a heartbeat's time and
//! sends the same entries again, with those that have come since. So on a disk that takes longer than that, messages nobody waits for any more
//! would queue up faster than they can be worked off, and after the leader's end all of them would stand between this node and its vote.

use std::future::Future;

use tokio::sync::{Mutex, MutexGuard};

/// Whose turn it is.
#[derive(Default)]
pub(crate) struct InTurn(Mutex<()>);

impl InTurn {
    /// Waits for the turn, which ends when the answer is dropped; `None` if `gone` was first.
    pub(crate) async fn wait(&self, gone: impl Future<Output = ()>) -> Option<MutexGuard<'_, ()>> {
        tokio::select! {
            biased;
            () = gone => None,
            turn = self.0.lock() => Some(turn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn whoever_is_gone_before_its_turn_takes_none() {
        let turns = InTurn::default();
        let first = turns.wait(pending()).await;
        assert!(first.is_some());
        assert!(turns.wait(ready(())).await.is_none(), "its sender waits no more");
        let next = turns.wait(pending());
        drop(first);
        assert!(next.await.is_some(), "the one that is gone is in nobody's way");
    }
}
