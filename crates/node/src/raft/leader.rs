//! What only the leader can do, asked of whoever leads: this node, or a peer over the sync socket.

use std::sync::Arc;
use std::time::Duration;

use openraft::error::{CheckIsLeaderError, ClientWriteError, Fatal, RaftError};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::ClusterError;
use super::message::{Answer, Refusal, Request};
use super::network::{CallError, Peers};
use super::types::{Answers, Commands, Node, NodeId, Raft};

/// The most commands of one entry.
pub(crate) const MOST_COMMANDS: usize = 256;
/// The most bytes of commands in one entry. With others it fits into a frame.
pub(crate) const MOST_BYTES: usize = 2 << 20;

/// How long to wait for news of another leader before the known one is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// How often a leader may fail to confirm that it leads: a slow disk or two do not mean that the majority is lost.
const MOST_UNCONFIRMED: usize = 3;

/// The way to the leader.
pub(crate) struct Leader {
    pub(crate) id: NodeId,
    pub(crate) raft: Raft,
    pub(crate) peers: Arc<Peers>,
    pub(crate) patience: Duration,
}

impl Leader {
    /// Whether this node counts `id` among the members: a node that was removed still has its certificate.
    pub(crate) fn knows(&self, id: NodeId) -> bool {
        self.raft.metrics().borrow().membership_config.membership().get_node(&id).is_some()
    }

    /// The members but this node, as far as it knows; `None`: it knows of no cluster yet.
    pub(crate) fn others(&self) -> Option<Vec<(NodeId, Node)>> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let members: Vec<(NodeId, Node)> =
            metrics.membership_config.membership().nodes().map(|(id, node)| (*id, node.clone())).collect();
        (!members.is_empty()).then(|| members.into_iter().filter(|(id, _)| *id != self.id).collect())
    }

    /// Whether this node knows of a cluster, and that it is no member of it.
    fn is_left_out(&self) -> bool {
        self.others().is_some() && !self.knows(self.id)
    }

    /// Has the leader propose `commands` as one entry; answers its index and the machine's answers.
    pub(crate) async fn propose(&self, commands: Commands) -> Result<(u64, Answers), ClusterError> {
        match self.ask(&Request::Propose(commands)).await? {
            Answer::Proposed { index, answers } => Ok((index, answers)),
            _ => Err(ClusterError::Unknown),
        }
    }

    /// The index up to which a node must have applied to read what is current.
    pub(crate) async fn read_index(&self) -> Result<u64, ClusterError> {
        match self.ask(&Request::ReadIndex).await? {
            Answer::ReadIndex(index) => Ok(index),
            _ => Err(ClusterError::NoLeader),
        }
    }

    /// Asks whoever leads, and whoever leads after that, until one answers or the patience is over.
    async fn ask(&self, request: &Request) -> Result<Answer, ClusterError> {
        let deadline = Instant::now() + self.patience;
        let is_proposal = matches!(request, Request::Propose(_));
        let mut unconfirmed = 0;
        loop {
            let (leader, node) = self.known(deadline).await?;
            match timeout_at(deadline, self.ask_once(leader, node, request)).await {
                Err(_) | Ok(Ok(Answer::Unknown) | Err(CallError::Lost(_))) if is_proposal => {
                    return Err(ClusterError::Unknown);
                }
                Ok(Err(CallError::Refused(Refusal::NotAMember))) => {
                    return Err(ClusterError::NotAMember(self.id));
                }
                Ok(Err(CallError::Refused(Refusal::NoQuorum))) => {
                    unconfirmed += 1;
                    if unconfirmed == MOST_UNCONFIRMED {
                        return Err(ClusterError::NoQuorum);
                    }
                }
                // It will not hear of another leader either: nobody speaks to who was removed.
                Ok(Ok(Answer::NotLeader(_))) if self.is_left_out() => {
                    return Err(ClusterError::NotAMember(self.id));
                }
                // It does not lead any more, can't be reached, or has stopped and will be followed by another.
                Err(_) | Ok(Ok(Answer::NotLeader(_) | Answer::Unknown) | Err(_)) => {}
                Ok(Ok(answer)) => return Ok(answer),
            }
            if Instant::now() >= deadline {
                return Err(ClusterError::NoLeader);
            }
            // Either is a reason to look again.
            let _ = timeout(AGAIN, self.raft.metrics().changed()).await;
        }
    }

    /// Waits until a leader is known.
    async fn known(&self, deadline: Instant) -> Result<(NodeId, Option<Node>), ClusterError> {
        let mut metrics = self.raft.metrics();
        let known =
            metrics.wait_for(|metrics| metrics.running_state.is_err() || metrics.current_leader.is_some());
        let metrics = match timeout_at(deadline, known).await {
            Ok(Ok(metrics)) => metrics,
            Ok(Err(_)) => return Err(ClusterError::stopped(&Fatal::Stopped)),
            Err(_) => return Err(ClusterError::NoLeader),
        };
        metrics.running_state.as_ref().map_err(ClusterError::stopped)?;
        let leader = metrics.current_leader.ok_or(ClusterError::NoLeader)?;
        Ok((leader, metrics.membership_config.membership().get_node(&leader).cloned()))
    }

    async fn ask_once(
        &self,
        leader: NodeId,
        node: Option<Node>,
        request: &Request,
    ) -> Result<Answer, CallError> {
        if leader != self.id {
            return match node {
                Some(node) => self.peers.call(leader, &node, request).await,
                None => Ok(Answer::NotLeader(None)),
            };
        }
        let answer = match request {
            Request::Propose(commands) => self.propose_here(commands.clone()).await,
            _ => self.read_index_here().await,
        };
        match answer {
            Answer::Refused(refusal) => Err(CallError::Refused(refusal)),
            answer => Ok(answer),
        }
    }

    /// Proposes as the leader, or says who leads.
    pub(crate) async fn propose_here(&self, commands: Commands) -> Answer {
        let bytes = commands.0.iter().fold(0usize, |sum, command| sum.saturating_add(command.len()));
        if commands.0.len() > MOST_COMMANDS || bytes > MOST_BYTES {
            // Larger ones might never fit into a frame, and nothing after them would be replicated.
            return Answer::Refused(Refusal::TooLong(MOST_BYTES as u32));
        }
        match timeout(self.patience, self.raft.client_write(commands)).await {
            Ok(Ok(response)) => Answer::Proposed { index: response.log_id.index, answers: response.data },
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(leader)))) => {
                Answer::NotLeader(leader.leader_id.zip(leader.leader_node))
            }
            // The first is only for changes of members. Before the others, the log may have got it.
            Ok(Err(
                RaftError::APIError(ClientWriteError::ChangeMembershipError(_)) | RaftError::Fatal(_),
            ))
            | Err(_) => Answer::Unknown,
        }
    }

    /// The read index as the leader knows it, or who leads.
    pub(crate) async fn read_index_here(&self) -> Answer {
        match self.raft.get_read_log_id().await {
            Ok((read, _)) => Answer::ReadIndex(read.map_or(0, |read| read.index)),
            Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(leader))) => {
                Answer::NotLeader(leader.leader_id.zip(leader.leader_node))
            }
            Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => {
                Answer::Refused(Refusal::NoQuorum)
            }
            Err(RaftError::Fatal(_)) => Answer::Refused(Refusal::Stopped),
        }
    }
}
