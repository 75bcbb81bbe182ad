//! Proposals of many callers, gathered into log entries: while one entry is on its way to a majority, what is
//! proposed meanwhile waits together for the next. So the time for the disk and the network is paid once for all.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::error::ClusterError;
use super::leader::{Leader, MOST_BYTES, MOST_COMMANDS};
use super::types::Commands;

/// The longest command; an entry that has room for less takes no more.
pub const LONGEST_COMMAND: usize = MOST_BYTES / 2;

/// How many proposals wait before callers do.
const QUEUE: usize = 1024;

/// The index of the entry and the machine's answer.
pub(crate) type Proposed = Result<(u64, Vec<u8>), ClusterError>;

struct Proposal {
    command: Vec<u8>,
    done: oneshot::Sender<Proposed>,
}

/// The way to the task that gathers.
pub(crate) struct Proposer {
    queue: mpsc::Sender<Proposal>,
}

impl Proposer {
    /// Starts gathering for `leader`.
    pub(crate) fn start(leader: Arc<Leader>) -> (Proposer, JoinHandle<()>) {
        let (queue, proposals) = mpsc::channel(QUEUE);
        (Proposer { queue }, tokio::spawn(gather(leader, proposals)))
    }

    /// Proposes `command` and waits until the leader has applied it.
    pub(crate) async fn propose(&self, command: Vec<u8>) -> Proposed {
        if command.len() > LONGEST_COMMAND {
            return Err(ClusterError::TooLong(LONGEST_COMMAND));
        }
        let (done, answer) = oneshot::channel();
        if self.queue.send(Proposal { command, done }).await.is_err() {
            return Err(ClusterError::Stopped("it was shut down".to_owned()));
        }
        answer.await.unwrap_or(Err(ClusterError::Unknown))
    }
}

#[cfg(test)]
impl Proposer {
    /// How many proposals wait to be gathered.
    pub(crate) fn waiting(&self) -> usize {
        QUEUE - self.queue.capacity()
    }
}

async fn gather(leader: Arc<Leader>, mut proposals: mpsc::Receiver<Proposal>) {
    while let Some(first) = proposals.recv().await {
        let (mut commands, mut waiting, mut size) = (Vec::new(), Vec::new(), 0usize);
        let mut next = Some(first);
        while let Some(proposal) = next {
            // For whoever no longer waits, nothing is done.
            if !proposal.done.is_closed() {
                size = size.saturating_add(proposal.command.len());
                commands.push(proposal.command);
                waiting.push(proposal.done);
            }
            let room = commands.len() < MOST_COMMANDS && size <= MOST_BYTES - LONGEST_COMMAND;
            next = if room { proposals.try_recv().ok() } else { None };
        }
        if commands.is_empty() {
            continue;
        }
        let (index, answers) = match leader.propose(Commands(commands)).await {
            Ok((index, answers)) => (Ok(index), answers.0),
            Err(error) => (Err(error), Vec::new()),
        };
        let mut answers = answers.into_iter();
        for done in waiting {
            let answer =
                index.clone().and_then(|index| Ok((index, answers.next().ok_or(ClusterError::Unknown)?)));
            // Nobody waits for it any more: nothing to tell.
            let _ = done.send(answer);
        }
    }
}
