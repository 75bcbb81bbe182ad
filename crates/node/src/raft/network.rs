//! The calling side of the sync socket: connections to peers, kept and made anew, and Raft's requests over them.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloister::attribute::Bytes;
use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, SnapshotMismatch, Unreachable,
};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{RaftNetwork, RaftNetworkFactory, SnapshotSegmentId};
use openssl::x509::X509;
use parking_lot::Mutex;
use tokio::io::ReadBuf;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::encoding::{decode, encode};
use super::frame;
use super::message::{Answer, Refusal, Request};
use super::reach::Reach;
use super::tls::{Stream, Tls};
use super::types::{Node, NodeId, Types};
use crate::pki::Identity;

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(2);

/// How long a stranger's question may take.
const STRANGER: Duration = Duration::from_secs(15);

/// How many connections to one peer wait for their next use: what replicates needs one, and each call that is forwarded to the leader another. A
/// new one costs both sides a handshake, more than most calls. A peer takes eight times as many.
const MOST_IDLE: usize = 32;

/// How long to leave a peer alone that could not be reached.
const BACKOFF: Duration = Duration::from_millis(200);

/// Why a peer did not answer.
#[derive(Clone, Debug)]
pub enum CallError {
    /// It could not be reached: it heard nothing.
    Unreached(String),
    /// It may have heard the request, but its answer did not come.
    Lost(String),
    /// It refused.
    Refused(Refusal),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallError::Unreached(reason) => write!(f, "it could not be reached: {reason}"),
            CallError::Lost(reason) => write!(f, "its answer was lost: {reason}"),
            CallError::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}

/// The connections to all peers.
pub(crate) struct Peers {
    tls: Tls,
    /// The address to call from, if it matters.
    source: Option<IpAddr>,
    /// Connections nobody uses just now, by peer and its address.
    idle: Mutex<HashMap<(NodeId, String), Vec<Stream>>>,
    reach: Reach,
    /// Whether a peer has said that this node was removed.
    removed: watch::Sender<bool>,
}

impl Peers {
    pub(crate) fn new(tls: Tls, source: Option<IpAddr>) -> Arc<Peers> {
        let removed = watch::Sender::new(false);
        Arc::new(Peers { tls, source, idle: Mutex::default(), reach: Reach::default(), removed })
    }

    /// Whether this node was removed from the cluster, as far as a peer has said so.
    pub(crate) fn removed(&self) -> watch::Receiver<bool> {
        self.removed.subscribe()
    }

    /// Sends `request` to a peer and waits for its answer. A call that is dropped takes its connection with it.
    pub(crate) async fn call(
        self: &Arc<Self>,
        id: NodeId,
        node: &Node,
        request: &Request,
    ) -> Result<Answer, CallError> {
        let asked = self.reach.ask(id, node);
        match self.exchange(id, node, request).await {
            Ok(Answer::Refused(refusal)) => {
                asked.answered(Some(&refusal));
                if refusal == Refusal::Removed {
                    self.removed.send_replace(true);
                }
                Err(CallError::Refused(refusal))
            }
            Ok(answer) => {
                asked.answered(None);
                Ok(answer)
            }
            Err(error) => {
                asked.failed(&error);
                Err(error)
            }
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        id: NodeId,
        node: &Node,
        request: &Request,
    ) -> Result<Answer, CallError> {
        let peer = (id, node.address.clone());
        let mut stream = match self.take(&peer).await {
            Some(stream) => stream,
            None => self.connect(peer.clone()).await.map_err(CallError::Unreached)?,
        };
        let answer = exchange(&mut stream, request).await?;
        self.give_back(peer, stream);
        Ok(answer)
    }

    async fn take(&self, peer: &(NodeId, String)) -> Option<Stream> {
        loop {
            let stream = self.idle.lock().get_mut(peer)?.pop()?;
            if is_quiet(&stream).await {
                return Some(stream);
            }
        }
    }

    fn give_back(&self, peer: (NodeId, String), stream: Stream) {
        let mut idle = self.idle.lock();
        let idle = idle.entry(peer).or_default();
        if idle.len() < MOST_IDLE {
            idle.push(stream);
        }
    }

    /// Connects in a task of its own: where a handshake takes longer than its caller waits, the next one finds it done.
    async fn connect(self: &Arc<Self>, peer: (NodeId, String)) -> Result<Stream, String> {
        let (sender, receiver) = oneshot::channel();
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            let connected = timeout(CONNECTING, connect(&peers, &peer)).await;
            let connected = connected.unwrap_or_else(|_| Err("it takes too long to connect".to_owned()));
            if let Err(Ok(stream)) = sender.send(connected) {
                peers.give_back(peer, stream);
            }
        });
        receiver.await.unwrap_or_else(|_| Err("the node ends".to_owned()))
    }
}

/// Asks the node at `address`, whichever that is, something that is not about consensus: for who is no member (yet). Answers who it was, too.
pub async fn ask_stranger(
    ca: &X509,
    identity: &Identity,
    address: &str,
    question: Bytes,
) -> Result<(NodeId, Bytes), CallError> {
    let unreached = |error: &dyn std::fmt::Display| CallError::Unreached(error.to_string());
    let tls = Tls::new(ca, identity).map_err(|error| unreached(&error))?;
    let asking = async {
        let socket = TcpStream::connect(address).await.map_err(|error| unreached(&error))?;
        let (mut stream, id) = tls.connect_to_any(socket).await.map_err(|error| unreached(&error))?;
        match exchange(&mut stream, &Request::Node(question)).await? {
            Answer::Node(answer) => Ok((id, answer)),
            Answer::Refused(refusal) => Err(CallError::Refused(refusal)),
            _ => Err(CallError::Lost("it answered something else".to_owned())),
        }
    };
    let late = || CallError::Lost("it takes too long to answer".to_owned());
    timeout(STRANGER, asking).await.unwrap_or_else(|_| Err(late()))
}

async fn connect(peers: &Peers, (id, address): &(NodeId, String)) -> Result<Stream, String> {
    let socket = dial(address, peers.source).await.map_err(|error| format!("{address}: {error}"))?;
    peers.tls.connect(socket, *id).await.map_err(|error| format!("{address}: {error}"))
}

/// Connects from `source`, if that is given, to the first address of the name that can be reached from there.
async fn dial(address: &str, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(address).await };
    let mut failed = io::Error::new(ErrorKind::NotFound, format!("it has no address for {source} to call"));
    for target in lookup_host(address).await?.filter(|target| target.is_ipv4() == source.is_ipv4()) {
        let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind((source, 0).into())?;
        match socket.connect(target).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Whether the peer has neither closed the connection nor sent what nobody asked for.
async fn is_quiet(stream: &Stream) -> bool {
    let mut byte = [0; 1];
    let mut byte = ReadBuf::new(&mut byte);
    poll_fn(|context| Poll::Ready(stream.get_ref().poll_peek(context, &mut byte).is_pending())).await
}

async fn exchange(stream: &mut Stream, request: &Request) -> Result<Answer, CallError> {
    let lost = |error: &dyn std::fmt::Display| CallError::Lost(error.to_string());
    frame::write(stream, &encode(request)).await.map_err(|error| lost(&error))?;
    let length = frame::read_head(stream).await.map_err(|error| lost(&error))?;
    let body = frame::read_body(stream, length).await.map_err(|error| lost(&error))?;
    decode(&body).map_err(|error| lost(&error))
}

/// Makes openraft's view of a peer.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) peers: Arc<Peers>,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeId, node: &Node) -> Peer {
        Peer { peers: Arc::clone(&self.peers), id: target, node: node.clone() }
    }
}

/// openraft's view of a peer.
pub(crate) struct Peer {
    peers: Arc<Peers>,
    id: NodeId,
    node: Node,
}

type RpcError<E = openraft::error::Infallible> = RPCError<NodeId, Node, RaftError<NodeId, E>>;

impl Peer {
    async fn call<E: std::error::Error>(&self, request: Request) -> Result<Answer, RpcError<E>> {
        self.peers.call(self.id, &self.node, &request).await.map_err(|error| match error {
            CallError::Lost(_) => RPCError::Network(NetworkError::new(&error)),
            CallError::Unreached(_) | CallError::Refused(_) => {
                RPCError::Unreachable(Unreachable::new(&error))
            }
        })
    }
}

/// The answer was not of the kind of the request.
fn unexpected<E: std::error::Error>() -> RpcError<E> {
    RPCError::Unreachable(Unreachable::new(&CallError::Lost("the peer answered something else".to_owned())))
}

impl RaftNetwork<Types> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        match self.call(Request::Append(rpc)).await? {
            Answer::Append(response) => Ok(response),
            _ => Err(unexpected()),
        }
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        _option: RPCOption,
    ) -> Result<InstallSnapshotResponse<NodeId>, RpcError<InstallSnapshotError>> {
        let got = SnapshotSegmentId { id: rpc.meta.snapshot_id.clone(), offset: rpc.offset };
        match self.call(Request::Snapshot(rpc)).await? {
            Answer::Snapshot(response) => Ok(response),
            Answer::SnapshotFromStart => {
                let expect = SnapshotSegmentId { id: got.id.clone(), offset: 0 };
                let mismatch = InstallSnapshotError::SnapshotMismatch(SnapshotMismatch { expect, got });
                Err(RPCError::RemoteError(RemoteError::new(self.id, RaftError::APIError(mismatch))))
            }
            _ => Err(unexpected()),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<NodeId>,
        _option: RPCOption,
    ) -> Result<VoteResponse<NodeId>, RpcError> {
        match self.call(Request::Vote(rpc)).await? {
            Answer::Vote(response) => Ok(response),
            _ => Err(unexpected()),
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(BACKOFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_node_calls_from_the_address_it_is_given() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        for source in [None, Some(IpAddr::from([127, 0, 0, 9]))] {
            let _called = dial(&address, source).await.unwrap();
            let (_, caller) = listener.accept().await.unwrap();
            assert_eq!(caller.ip(), source.unwrap_or([127, 0, 0, 1].into()));
        }
        assert!(dial(&address, Some("::1".parse().unwrap())).await.is_err());
    }
}
