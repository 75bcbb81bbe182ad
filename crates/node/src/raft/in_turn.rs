//! Entries are handed to consensus a message or two at a time, and only while their sender still waits for the answer.
//!
//! Consensus takes messages in the order of their arrival, each with a wait for the disk of its own. A leader gives a message up after a heartbeat's time and
//! sends the same entries again, with those that have come since. So on a disk that takes longer than that, messages nobody waits for any more
//! would queue up faster than they can be worked off, and after the leader's end all of them would stand between this node and its vote.

use std::future::Future;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The one at work, and the next: with nothing behind a long wait for the disk, consensus would take its leader for silent.
const AT_ONCE: usize = 2;

/// Whose turn it is.
pub(crate) struct InTurn(Semaphore);

impl InTurn {
    pub(crate) fn new() -> InTurn {
        InTurn(Semaphore::new(AT_ONCE))
    }

    /// Waits for the turn, which ends when the answer is dropped; `None` if `gone` was first.
    pub(crate) async fn wait(&self, gone: impl Future<Output = ()>) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            () = gone => None,
            turn = self.0.acquire() => turn.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn whoever_is_gone_before_its_turn_takes_none() {
        let turns = InTurn::new();
        let mut taken = Vec::new();
        for _ in 0..AT_ONCE {
            taken.push(turns.wait(pending()).await.unwrap());
        }
        assert!(turns.wait(ready(())).await.is_none(), "its sender waits no more");
        assert_eq!(turns.0.available_permits(), 0, "no more at once");
        taken.pop();
        assert!(turns.wait(pending()).await.is_some(), "the one that is gone is in nobody's way");
    }
}
