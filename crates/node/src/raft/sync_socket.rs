//! The answering side of the sync socket: takes connections of peers, a bounded number of them, and answers Raft's
//! requests and those to the leader.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloister::attribute::Bytes;
use openraft::error::{InstallSnapshotError, RaftError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::encoding::{decode, encode};
use super::frame::{self, FrameError};
use super::heir::Heir;
use super::in_turn::InTurn;
use super::leader::Leader;
use super::machine::Machine;
use super::message::{Answer, Refusal, Request};
use super::neighbour::{Neighbour, Neighbourly};
use super::tls::{Stream, Tls};
use super::types::NodeId;
use super::vouchers::Vouchers;
use crate::pki;
use crate::seldom::Seldom;
use crate::visitors::Greetings;

/// How many strangers may shake hands at a time; one more takes the place of the one that has been at it longest.
pub(crate) const MOST_HANDSHAKES: usize = 128;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// How many connections of members there may be.
const MOST_CONNECTIONS: usize = 256;
/// How many connections there may be of nodes that are no members here: invited, removed, or not known yet.
const MOST_OF_OTHERS: usize = 32;
/// How many files all of that takes.
pub(crate) const MOST_FILES: u64 = (MOST_HANDSHAKES + MOST_CONNECTIONS + MOST_OF_OTHERS) as u64;
/// How long a connection may be silent between two requests; heartbeats come far more often.
const SILENCE: Duration = Duration::from_secs(300);
/// The same, of nodes that are no members here: there is little room for them.
const SILENCE_OF_OTHERS: Duration = Duration::from_secs(10);
/// How long the rest of a request may take once it has begun, and how long an answer may take to be taken.
const TRANSFER: Duration = Duration::from_secs(30);

/// Takes connections until it is dropped, and all of them with it.
pub(crate) async fn serve(listener: TcpListener, tls: Tls, host: Arc<Host>) {
    let mut greetings = Greetings::new(MOST_HANDSHAKES);
    let places = Places::new();
    let refused = Arc::<Seldom>::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, address)) => {
                    let (tls, refused) = (tls.clone(), Arc::clone(&refused));
                    greetings.begin(async move { greet(&tls, socket, address, &refused).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "the sync socket can't take a connection");
                    // Out of file descriptors, most likely: some need time to be closed.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            (stream, peer) = greetings.next() => {
                let Some(place) = places.take(host.leader.knows(peer)) else {
                    tracing::warn!(peer = %format_args!("{peer:016x}"), "there are too many connections of nodes: one more is closed");
                    continue;
                };
                let host = Arc::clone(&host);
                connections.spawn(async move {
                    converse(stream, peer, &host).await;
                    drop(place);
                    host.heir.lost(peer).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Room for connections of members, and some for nodes that are none.
struct Places {
    members: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Places {
    fn new() -> Places {
        Places {
            members: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            others: Arc::new(Semaphore::new(MOST_OF_OTHERS)),
        }
    }

    fn take(&self, is_member: bool) -> Option<OwnedSemaphorePermit> {
        let places = if is_member { &self.members } else { &self.others };
        Arc::clone(places).try_acquire_owned().ok()
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
pub(crate) struct Host {
    /// What is asked of the leader.
    pub(crate) leader: Arc<Leader>,
    /// What becomes of a lost leader.
    pub(crate) heir: Heir,
    /// What is not about consensus.
    pub(crate) neighbourly: Arc<dyn Neighbourly>,
    /// Who may lead or be elected.
    pub(crate) vouchers: Vouchers,
    /// Who was removed.
    pub(crate) machine: Arc<dyn Machine>,
    /// Whose entries are written.
    pub(crate) entries: InTurn,
}

impl Host {
    /// Whether that node was removed from the cluster: it still has its certificate, but no say in anything. Not asked of one that was never known:
    /// it may be that this node has yet to hear of it.
    async fn has_removed(&self, peer: NodeId) -> bool {
        if self.leader.knows(peer) {
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
        let silence = if host.leader.knows(peer) { SILENCE } else { SILENCE_OF_OTHERS };
        let (answer, last) = match read(&mut stream, silence).await {
            Ok(_) if host.has_removed(peer).await => (Answer::Refused(Refusal::Removed), false),
            Ok(body) => match decode(&body) {
                Ok(Request::Node(question)) => {
                    (answer_node(host, peer, invited_until, question).await, false)
                }
                Ok(request) => match answer(host, peer, request, &stream).await {
                    Some(answer) => (answer, false),
                    None => return,
                },
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

async fn read(stream: &mut Stream, silence: Duration) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let late = || FrameError::Io(std::io::ErrorKind::TimedOut.into());
    let length = timeout(silence, frame::read_head(stream)).await.unwrap_or_else(|_| Err(late()))?;
    timeout(TRANSFER, frame::read_body(stream, length)).await.unwrap_or_else(|_| Err(late()))
}

/// Who the request says it is from: a leader or a candidate speaks for itself only.
fn speaker(request: &Request) -> Option<NodeId> {
    let vote = match request {
        Request::Append(append) => &append.vote,
        Request::Vote(vote) => &vote.vote,
        Request::Snapshot(snapshot) => &snapshot.vote,
        Request::Propose(_) | Request::ReadIndex | Request::Node(_) | Request::IsMember(_) => return None,
    };
    vote.leader_id().voted_for()
}

async fn answer_node(host: &Host, id: NodeId, invited_until: Option<u64>, question: Bytes) -> Answer {
    let from = Neighbour { id, member: host.leader.knows(id), invited_until };
    match host.neighbourly.answer(from, question).await {
        Some(answer) => Answer::Node(answer),
        None => Answer::Refused(Refusal::Malformed),
    }
}

/// Returns when something comes, though the peer is the one that waits: it hangs up.
async fn moves(stream: &Stream) {
    // An error is an end, too.
    let _ = stream.get_ref().peek(&mut [0; 1]).await;
}

/// `None` if the peer is gone before the entries that it sends have their turn.
async fn answer(host: &Host, peer: NodeId, request: Request, stream: &Stream) -> Option<Answer> {
    let leader = &host.leader;
    if let Some(speaker) = speaker(&request) {
        if speaker != peer {
            return Some(Answer::Refused(Refusal::Impostor));
        }
        if !host.vouchers.accept(peer).await {
            return Some(Answer::Refused(Refusal::NotAMember));
        }
    }
    let stopped = Answer::Refused(Refusal::Stopped);
    Some(match request {
        Request::Append(append) => {
            let _turn = match append.entries.is_empty() {
                true => None,
                false => Some(host.entries.wait(moves(stream)).await?),
            };
            host.heir.hears(peer);
            leader.raft.append_entries(append).await.map_or(stopped, Answer::Append)
        }
        Request::Vote(vote) => leader.raft.vote(vote).await.map_or(stopped, Answer::Vote),
        Request::Snapshot(piece) => match leader.raft.install_snapshot(piece).await {
            Ok(response) => Answer::Snapshot(response),
            Err(RaftError::APIError(InstallSnapshotError::SnapshotMismatch(_))) => Answer::SnapshotFromStart,
            Err(RaftError::Fatal(_)) => stopped,
        },
        Request::Propose(_) | Request::ReadIndex | Request::IsMember(_) if !leader.knows(peer) => {
            Answer::Refused(Refusal::NotAMember)
        }
        Request::IsMember(id) => Answer::IsMember(leader.knows(id)),
        Request::Propose(commands) => leader.propose_here(commands).await,
        Request::ReadIndex => leader.read_index_here().await,
        // Answered before.
        Request::Node(_) => Answer::Refused(Refusal::Malformed),
    })
}
