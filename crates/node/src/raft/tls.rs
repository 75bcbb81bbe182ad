//! Mutual TLS 1.3 between nodes: both sides show a certificate of the cluster's CA with the role of a node, or the
//! handshake fails. No host names: a node is known by the id in its certificate, wherever it is.

use std::pin::Pin;

use cloister::proto::peer::Role;
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode, SslVersion};
use openssl::ssl::{SslRef, SslSessionCacheMode};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509StoreContextRef};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::types::NodeId;
use crate::pki::Identity;

/// A TLS connection to a node.
pub(crate) type Stream = SslStream<TcpStream>;

/// What a node needs to speak with its peers.
#[derive(Clone)]
pub(crate) struct Tls {
    context: SslContext,
}

impl Tls {
    pub(crate) fn new(ca: &X509, identity: &Identity) -> Result<Tls, ErrorStack> {
        let mut context = SslContextBuilder::new(SslMethod::tls())?;
        context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
        context.set_options(SslOptions::NO_TICKET);
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_num_tickets(0)?;
        let mut trusted = X509StoreBuilder::new()?;
        trusted.add_cert(ca.clone())?;
        context.set_cert_store(trusted.build());
        context.set_certificate(&identity.certificate)?;
        context.set_private_key(&identity.key)?;
        context.check_private_key()?;
        context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, only_nodes);
        Ok(Tls { context: context.build() })
    }

    /// Shakes hands with whoever called; answers which node it is.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Result<(Stream, NodeId), HandshakeError> {
        let mut stream = self.stream(socket)?;
        Pin::new(&mut stream).accept().await.map_err(HandshakeError::Tls)?;
        let peer = peer(stream.ssl()).ok_or(HandshakeError::NotANode)?;
        Ok((stream, peer))
    }

    /// Shakes hands with the node `expected` that was called.
    pub(crate) async fn connect(
        &self,
        socket: TcpStream,
        expected: NodeId,
    ) -> Result<Stream, HandshakeError> {
        match self.connect_to_any(socket).await? {
            (stream, found) if found == expected => Ok(stream),
            (_, found) => Err(HandshakeError::OtherNode(found)),
        }
    }

    /// Shakes hands with whichever node was called.
    pub(crate) async fn connect_to_any(&self, socket: TcpStream) -> Result<(Stream, NodeId), HandshakeError> {
        let mut stream = self.stream(socket)?;
        Pin::new(&mut stream).connect().await.map_err(HandshakeError::Tls)?;
        let found = peer(stream.ssl()).ok_or(HandshakeError::NotANode)?;
        Ok((stream, found))
    }

    fn stream(&self, socket: TcpStream) -> Result<Stream, HandshakeError> {
        // Small messages that each wait for an answer.
        socket.set_nodelay(true).map_err(HandshakeError::Io)?;
        let ssl = Ssl::new(&self.context).map_err(HandshakeError::OpenSsl)?;
        SslStream::new(ssl, socket).map_err(HandshakeError::OpenSsl)
    }
}

/// Lets the handshake fail unless the chain is good and the certificate at its end is a node's.
fn only_nodes(good: bool, chain: &mut X509StoreContextRef) -> bool {
    let is_end = chain.error_depth() == 0;
    good && (!is_end || chain.current_cert().and_then(Role::of).is_some_and(|role| role.is_node()))
}

fn peer(ssl: &SslRef) -> Option<NodeId> {
    match Role::of(&*ssl.peer_certificate()?)? {
        Role::Node(id) => Some(id),
        Role::Client(_) => None,
    }
}

/// Why two nodes do not come to speak.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    Io(std::io::Error),
    OpenSsl(ErrorStack),
    Tls(openssl::ssl::Error),
    NotANode,
    OtherNode(NodeId),
}

impl std::fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HandshakeError::Io(error) => error.fmt(f),
            HandshakeError::OpenSsl(error) => error.fmt(f),
            HandshakeError::Tls(error) => {
                write!(
                    f,
                    "the TLS handshake failed ({error}): is it a node of this cluster, with a clock that is right?"
                )
            }
            HandshakeError::NotANode => f.write_str("the other side is not a node"),
            HandshakeError::OtherNode(found) => write!(f, "another node answers there: {found:016x}"),
        }
    }
}

impl HandshakeError {
    /// Whether one side has refused the other, rather than that it went away.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            HandshakeError::Tls(error) => error.ssl_error().is_some(),
            HandshakeError::NotANode | HandshakeError::OtherNode(_) => true,
            HandshakeError::Io(_) | HandshakeError::OpenSsl(_) => false,
        }
    }
}

impl std::error::Error for HandshakeError {}
