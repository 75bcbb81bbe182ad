//! TLS on the client socket: certificates of the cluster's own CA on both sides, and none but a client's is let in.

use cloister::proto::peer::Role;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslAcceptor, SslContext, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// A node's identity: its certificate and key, and the CA that clients must have theirs from.
pub fn context(ca: &X509, certificate: &X509, key: &PKey<Private>) -> Result<SslContext, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(ca.clone())?;
    builder.set_cert_store(store.build());
    builder.set_certificate(certificate)?;
    builder.set_private_key(key)?;
    builder.check_private_key()?;
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    // A client connects anew for each pool, and keeps its connection: nothing is resumed.
    builder.set_num_tickets(0)?;
    // A record and its head in one system call.
    builder.set_read_ahead(true);
    Ok(builder.build().into_context())
}

/// The handshake. A certificate of the CA that is not a client's is `PermissionDenied`.
pub(super) async fn accept(stream: TcpStream, context: &SslContext) -> io::Result<SslStream<TcpStream>> {
    let mut stream = SslStream::new(Ssl::new(context)?, stream)?;
    Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
    let peer = stream.ssl().peer_certificate().and_then(|certificate| Role::of(&certificate));
    match peer.is_some_and(|role| role.is_client()) {
        true => Ok(stream),
        false => Err(io::Error::new(ErrorKind::PermissionDenied, "its certificate is not a client's")),
    }
}

/// Whether one side has refused the other in a handshake, rather than that it went away.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<openssl::ssl::Error>());
    error.kind() == ErrorKind::PermissionDenied || tls.is_some_and(|error| error.ssl_error().is_some())
}
