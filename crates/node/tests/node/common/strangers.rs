//! Those who come to a node's TLS sockets with whatever certificate, or with none.

use super::{Node, PATIENCE};
use cloister::proto::frame;
use cloister::proto::message::{Answer, Call, Request};
use cloister_node::neighbours::{Question, Reply};
use cloister_node::pki::Identity;
use cloister_node::raft::network::ask_stranger;
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection to a node.
pub fn socket(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Shakes hands, without a look at the node's own certificate. The node may refuse only after that.
pub fn tls(address: SocketAddr, identity: Option<&Identity>) -> Option<SslStream<TcpStream>> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    if let Some(identity) = identity {
        builder.set_certificate(&identity.certificate).unwrap();
        builder.set_private_key(&identity.key).unwrap();
    }
    builder.build().connect("localhost", socket(address)).ok()
}

/// Asks on the client socket.
pub fn ask_as_client(node: &Node, identity: Option<&Identity>) -> Option<Answer> {
    let mut stream = tls(node.address(), identity)?;
    let message = Request { ticket: None, id: None, seen: 0, call: Call::IsInitialized }.encode().unwrap();
    frame::write(&mut stream, frame::header(&message).unwrap(), &message).ok()?;
    Answer::decode(&frame::read(&mut stream).ok()?)
}

/// Asks on the sync socket, as a node.
pub fn ask_as_node(node: &Node, identity: &Identity, question: &Question) -> Option<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ca, address) = (&node.certificates().ca.certificate, node.sync().to_string());
    let asked = runtime.block_on(ask_stranger(ca, identity, &address, question.to_bytes()));
    Reply::from_bytes(&asked.ok()?.1)
}

/// What the sync socket answers to bytes, until it closes the connection.
pub fn say_as_node(node: &Node, identity: Option<&Identity>, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Some(mut stream) = tls(node.sync(), identity)
        && stream.write_all(bytes).is_ok()
    {
        // However it ends.
        let _ = stream.read_to_end(&mut answer);
    }
    answer
}
