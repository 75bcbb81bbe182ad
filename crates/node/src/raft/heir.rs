//! A leader whose process has ended is followed as soon as the others may vote, not only when its heartbeats have been missed for long.
//!
//! When a process ends, its connections are closed, and its port refuses new ones: that is told at once, and by nothing but its end. It is only a
//! reason to stand for election earlier. Who wins, and whether anybody may vote yet, is for Raft to decide, as ever.

use std::io::ErrorKind;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::ties::is_by;
use super::types::{NodeId, Raft, Vote};

/// How long a port may take to refuse.
const REFUSAL: Duration = Duration::from_millis(200);
/// How often to look, and the time in between: a process that ends may close its connections before its port.
const LOOKS: usize = 3;
const LOOK: Duration = Duration::from_millis(25);
/// After the time in which nobody votes: for what others have heard a little later.
const MARGIN: Duration = Duration::from_millis(30);
/// Between one heir and the next: long enough to be elected.
const STEP: Duration = Duration::from_millis(150);
/// How often to stand before Raft's own timers have it again, and the least time in between.
const ELECTIONS: usize = 3;
const AGAIN: Duration = Duration::from_millis(200);

/// This node as one of those who may follow the leader.
pub(crate) struct Heir {
    id: NodeId,
    raft: Raft,
    /// What this node has voted last, told before its disk has it.
    votes: watch::Receiver<Option<Vote>>,
    /// For how long after a message from the leader nobody votes for another.
    lease: Duration,
    /// When this node last heard of a leader, and of which.
    heard: Mutex<Option<(NodeId, Instant)>>,
    /// Taken while this node waits for its turn: a leader has several connections, and is followed once.
    standing: tokio::sync::Mutex<()>,
}

impl Heir {
    pub(crate) fn new(id: NodeId, raft: Raft, votes: watch::Receiver<Option<Vote>>, lease: Duration) -> Heir {
        Heir { id, raft, votes, lease, heard: Mutex::new(None), standing: tokio::sync::Mutex::default() }
    }

    /// A leader has sent something.
    pub(crate) fn hears(&self, leader: NodeId) {
        *self.heard.lock() = Some((leader, Instant::now()));
    }

    /// A connection of `peer` has ended. If it led, and its process is gone, this node stands for election when its turn has come.
    pub(crate) async fn lost(&self, peer: NodeId) {
        let Ok(_standing) = self.standing.try_lock() else { return };
        let mut last = None;
        // What had arrived before its end is heard a moment after it.
        while let Some(heard) = self.heard_of(peer).filter(|heard| last != Some(*heard)) {
            let Some((address, rank)) = self.place_after(peer) else { return };
            if !refuses(&address).await {
                return;
            }
            sleep_until(heard + self.lease + MARGIN + STEP.saturating_mul(rank)).await;
            last = Some(heard);
        }
        let Some((_, rank)) = self.place_after(peer).filter(|_| last.is_some()) else { return };
        tracing::info!(leader = %format_args!("{peer:016x}"), "the leader's process is gone: this node stands for election");
        for _ in 0..ELECTIONS {
            if let Err(error) = self.raft.trigger().elect().await {
                tracing::debug!("this node can't stand for election: {error}");
            }
            // Others may have stood for the same one; next time each has a moment of its own.
            sleep(AGAIN + STEP.saturating_mul(rank)).await;
            if !self.still_stands() {
                return;
            }
        }
    }

    /// Whether this node's vote is for itself, and nobody has won yet. Not while that waits for the disk: another try would come after the votes of
    /// those who ask meanwhile, and take the election from whoever had them.
    fn still_stands(&self) -> bool {
        let kept = self.raft.metrics().borrow().vote;
        self.votes.borrow().is_some_and(|vote| vote == kept && !vote.is_committed() && is_by(&vote, self.id))
    }

    /// Whether somebody stands for election, as far as this node's vote tells.
    fn somebody_stands(&self) -> bool {
        self.votes.borrow().is_some_and(|vote| !vote.is_committed())
    }

    /// When `leader` was last heard, if no other has been since.
    fn heard_of(&self, leader: NodeId) -> Option<Instant> {
        self.heard.lock().filter(|(last, _)| *last == leader).map(|(_, heard)| heard)
    }

    /// The address of `leader`, and how many may follow it before this node; `None` if it does not lead any more, or another stands already.
    fn place_after(&self, leader: NodeId) -> Option<(String, u32)> {
        if self.somebody_stands() {
            return None;
        }
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let members = metrics.membership_config.membership();
        let node = members.get_node(&leader).filter(|_| metrics.current_leader == Some(leader))?;
        let before = members.voter_ids().filter(|other| *other < self.id && *other != leader).count();
        Some((node.address.clone(), u32::try_from(before).unwrap_or(u32::MAX)))
    }
}

/// Whether nobody listens at `address`, on a machine that is there.
async fn refuses(address: &str) -> bool {
    for _ in 0..LOOKS {
        let tried = timeout(REFUSAL, TcpStream::connect(address)).await;
        if matches!(tried, Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        sleep(LOOK).await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn only_a_closed_port_tells_of_an_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(!refuses(&address).await);
        drop(listener);
        assert!(refuses(&address).await);
    }
}
