//! The answering side of the sync socket: takes connections of peers, a bounded number of them, and answers Raft's
//! requests and those to the leader.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{InstallSnapshotError, RaftError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::encoding::{decode, encode};
use super::frame::{self, FrameError};
use super::leader::Leader;
use super::machine::Machine;
use super::message::{Answer, Refusal, Request};
use super::neighbour::{Neighbour, Neighbourly};
use super::tls::{Stream, Tls};
use super::types::NodeId;
use crate::pki;
use crate::seldom::Seldom;

/// How many strangers may shake hands at a time; the others wait before they are taken at all.
pub(crate) const MOST_HANDSHAKES: usize = 256;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// How many connections of nodes there may be.
const MOST_CONNECTIONS: usize = 256;
/// How long a connection may be silent between two requests; heartbeats come far more often.
const SILENCE: Duration = Duration::from_secs(300);
/// How long the rest of a request may take once it has begun, and how long an answer may take to be taken.
const TRANSFER: Duration = Duration::from_secs(30);

/// Takes connections until it is dropped, and all of them with it.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Tls,
    leader: Arc<Leader>,
    neighbourly: Arc<dyn Neighbourly>,
    machine: Arc<dyn Machine>,
) {
    let refused = Arc::<Seldom>::default();
    let handshakes = Arc::new(Semaphore::new(MOST_HANDSHAKES));
    let established = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // invariant: nobody closes the semaphore
        let Ok(handshake) = Arc::clone(&handshakes).acquire_owned().await else { return };
        let (socket, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the sync socket can't take a connection");
                // Out of file descriptors, most likely: some need time to be closed.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, established) = (tls.clone(), Arc::clone(&established));
        let host = Host {
            leader: Arc::clone(&leader),
            neighbourly: Arc::clone(&neighbourly),
            machine: Arc::clone(&machine),
        };
        let refused = Arc::clone(&refused);
        connections.spawn(async move {
            let Some((stream, peer)) = greet(&tls, socket, address, &refused).await else { return };
            let Ok(_established) = established.try_acquire() else {
                tracing::warn!(%address, "a node has too many connections: one more is closed");
                return;
            };
            drop(handshake);
            converse(stream, peer, &host).await;
        });
    }
}

async fn greet(
    tls: &Tls,
    socket: TcpStream,
    address: SocketAddr,
    refused: &Seldom,
) -> Option<(Stream, NodeId)> {
    let why = match timeout(HANDSHAKE, tls.accept(socket)).await {
        Ok(Ok(greeted)) => return Some(greeted),
        Ok(Err(error)) if error.is_refusal() => error.to_string(),
        Ok(Err(error)) => {
            tracing::debug!(%address, "a connection to the sync socket came to nothing: {error}");
            return None;
        }
        Err(_) => "no handshake in time".to_owned(),
    };
    if let Some(left_out) = refused.due() {
        tracing::warn!(%address, left_out, "a connection to the sync socket is refused: {why}");
    }
    None
}

/// Who answers.
struct Host {
    leader: Arc<Leader>,
    neighbourly: Arc<dyn Neighbourly>,
    machine: Arc<dyn Machine>,
}

impl Host {
    /// Whether that node was removed from the cluster: it still has its certificate, but no say in anything. Not asked of one that was never known:
    /// it may be that this node has yet to hear of it.
    async fn has_removed(&self, peer: NodeId) -> bool {
        if is_member(&self.leader, peer) {
            return false;
        }
        let machine = Arc::clone(&self.machine);
        let removed = tokio::task::spawn_blocking(move || machine.has_removed(peer)).await;
        removed.is_ok_and(|removed| removed.unwrap_or(false))
    }
}

/// Answers one request after the other, until the peer ends it or breaks a rule.
async fn converse(mut stream: Stream, peer: NodeId, host: &Host) {
    let invited_until = stream.ssl().peer_certificate().as_deref().and_then(pki::invited_until);
    loop {
        let (answer, last) = match read(&mut stream).await {
            Ok(_) if host.has_removed(peer).await => (Answer::Refused(Refusal::Removed), false),
            Ok(body) => match decode(&body) {
                Ok(Request::Node(question)) => {
                    (answer_node(host, peer, invited_until, question).await, false)
                }
                Ok(request) => (answer(&host.leader, peer, request).await, false),
                Err(_) => (Answer::Refused(Refusal::Malformed), false),
            },
            Err(FrameError::Version(_)) => (Answer::Refused(Refusal::Version(frame::PROTOCOL)), true),
            Err(FrameError::TooLong(_)) => (Answer::Refused(Refusal::TooLong(frame::LONGEST)), true),
            Err(FrameError::Ended | FrameError::Io(_)) => return,
        };
        let written = timeout(TRANSFER, frame::write(&mut stream, &encode(&answer))).await;
        if last || !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

async fn read(stream: &mut Stream) -> Result<Vec<u8>, FrameError> {
    let late = || FrameError::Io(std::io::ErrorKind::TimedOut.into());
    let length = timeout(SILENCE, frame::read_head(stream)).await.unwrap_or_else(|_| Err(late()))?;
    timeout(TRANSFER, frame::read_body(stream, length)).await.unwrap_or_else(|_| Err(late()))
}

/// Who the request says it is from: a leader or a candidate speaks for itself only.
fn speaker(request: &Request) -> Option<NodeId> {
    let vote = match request {
        Request::Append(append) => &append.vote,
        Request::Vote(vote) => &vote.vote,
        Request::Snapshot(snapshot) => &snapshot.vote,
        Request::Propose(_) | Request::ReadIndex | Request::Node(_) => return None,
    };
    vote.leader_id().voted_for()
}

async fn answer_node(host: &Host, id: NodeId, invited_until: Option<u64>, question: Vec<u8>) -> Answer {
    let from = Neighbour { id, member: is_member(&host.leader, id), invited_until };
    match host.neighbourly.answer(from, question).await {
        Some(answer) => Answer::Node(answer),
        None => Answer::Refused(Refusal::Malformed),
    }
}

async fn answer(leader: &Leader, peer: NodeId, request: Request) -> Answer {
    if speaker(&request).is_some_and(|speaker| speaker != peer) {
        return Answer::Refused(Refusal::Impostor);
    }
    let stopped = Answer::Refused(Refusal::Stopped);
    match request {
        Request::Append(append) => leader.raft.append_entries(append).await.map_or(stopped, Answer::Append),
        Request::Vote(vote) => leader.raft.vote(vote).await.map_or(stopped, Answer::Vote),
        Request::Snapshot(piece) => match leader.raft.install_snapshot(piece).await {
            Ok(response) => Answer::Snapshot(response),
            Err(RaftError::APIError(InstallSnapshotError::SnapshotMismatch(_))) => Answer::SnapshotFromStart,
            Err(RaftError::Fatal(_)) => stopped,
        },
        Request::Propose(_) | Request::ReadIndex if !is_member(leader, peer) => {
            Answer::Refused(Refusal::NotAMember)
        }
        Request::Propose(commands) => leader.propose_here(commands).await,
        Request::ReadIndex => leader.read_index_here().await,
        // Answered before.
        Request::Node(_) => Answer::Refused(Refusal::Malformed),
    }
}

/// Whether the leader, if this node is it, counts `peer` among the members: a node that was removed still has its
/// certificate. Raft's own requests are for Raft to judge, since a node may not know yet who was added.
fn is_member(leader: &Leader, peer: NodeId) -> bool {
    leader.raft.metrics().borrow().membership_config.membership().get_node(&peer).is_some()
}
