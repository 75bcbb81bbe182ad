//! Proposals of many callers, gathered into log entries: while one entry is on its way to a majority, what is
//! proposed meanwhile waits together for the next. So the time for the disk and the network is paid once for all.

use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::types::{Commands, Node, NodeId, Raft};

/// The most commands of one entry.
const MOST_COMMANDS: usize = 256;
/// The bytes of commands after which an entry takes no more; the last may reach above it.
const ENOUGH_BYTES: usize = 1 << 20;
/// How many proposals wait before callers do.
const QUEUE: usize = 1024;

/// Why a proposal has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalError {
    /// This node does not lead, so nothing was proposed; who does, as far as it knows.
    NotLeader(Option<(NodeId, Node)>),
    /// It was proposed, and nobody knows yet whether it will be applied.
    Unknown,
    /// The node has stopped.
    Stopped,
}

/// The index of the entry and the machine's answer.
pub(crate) type Proposed = Result<(u64, Vec<u8>), LocalError>;

struct Proposal {
    command: Vec<u8>,
    done: oneshot::Sender<Proposed>,
}

/// The way to the task that gathers.
#[derive(Clone)]
pub(crate) struct Proposer {
    queue: mpsc::Sender<Proposal>,
}

impl Proposer {
    /// Starts gathering; an entry without a majority within `patience` is given up as [`LocalError::Unknown`].
    pub(crate) fn start(raft: Raft, patience: Duration) -> (Proposer, tokio::task::JoinHandle<()>) {
        let (queue, proposals) = mpsc::channel(QUEUE);
        (Proposer { queue }, tokio::spawn(gather(raft, proposals, patience)))
    }

    /// Proposes on this node, which must lead, and waits until it is applied here.
    pub(crate) async fn propose(&self, command: Vec<u8>) -> Proposed {
        let (done, answer) = oneshot::channel();
        if self.queue.send(Proposal { command, done }).await.is_err() {
            return Err(LocalError::Stopped);
        }
        answer.await.unwrap_or(Err(LocalError::Unknown))
    }
}

async fn gather(raft: Raft, mut proposals: mpsc::Receiver<Proposal>, patience: Duration) {
    while let Some(first) = proposals.recv().await {
        let (mut commands, mut waiting, mut size) = (Vec::new(), Vec::new(), 0usize);
        let mut next = Some(first);
        while let Some(proposal) = next {
            // Whoever no longer waits has been told that it may or may not happen: it does not.
            if !proposal.done.is_closed() {
                size = size.saturating_add(proposal.command.len());
                commands.push(proposal.command);
                waiting.push(proposal.done);
            }
            let room = commands.len() < MOST_COMMANDS && size < ENOUGH_BYTES;
            next = if room { proposals.try_recv().ok() } else { None };
        }
        if !commands.is_empty() {
            settle(waiting, write(&raft, Commands(commands), patience).await);
        }
    }
}

async fn write(
    raft: &Raft,
    commands: Commands,
    patience: Duration,
) -> Result<(u64, Vec<Vec<u8>>), LocalError> {
    match timeout(patience, raft.client_write(commands)).await {
        Ok(Ok(response)) => Ok((response.log_id.index, response.data.0)),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(leader)))) => {
            Err(LocalError::NotLeader(leader.leader_id.zip(leader.leader_node)))
        }
        // Only for changes of members, which are not made here.
        Ok(Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(_)))) | Err(_) => {
            Err(LocalError::Unknown)
        }
        // The log may have got it before the node stopped.
        Ok(Err(RaftError::Fatal(_))) => Err(LocalError::Unknown),
    }
}

fn settle(waiting: Vec<oneshot::Sender<Proposed>>, result: Result<(u64, Vec<Vec<u8>>), LocalError>) {
    let (index, answers) = match result {
        Ok((index, answers)) => (Ok(index), answers),
        Err(error) => (Err(error), Vec::new()),
    };
    let mut answers = answers.into_iter();
    for done in waiting {
        let answer = index.clone().and_then(|index| Ok((index, answers.next().ok_or(LocalError::Unknown)?)));
        // Nobody waits for it any more: nothing to tell.
        let _ = done.send(answer);
    }
}
