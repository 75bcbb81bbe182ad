//! Who is answered on the sync socket, and what is read.

use std::io::{Read, Write};
use std::net::TcpStream;

use cloister::proto::peer::Role;
use openraft::raft::VoteRequest;
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};

use super::nodes::{PATIENCE, TestNode, founder};
use crate::pki::Identity;
use crate::raft::encoding::{decode, encode};
use crate::raft::frame::{LONGEST, PROTOCOL};
use crate::raft::message::{Answer, Refusal, Request};
use crate::raft::sync_socket::MOST_HANDSHAKES;
use crate::raft::types::Vote;

fn socket(node: &TestNode) -> TcpStream {
    let socket = TcpStream::connect(&node.node.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Shakes hands as `identity`, without a look at the node's own certificate.
fn connect(node: &TestNode, identity: Option<&Identity>) -> Option<SslStream<TcpStream>> {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    if let Some(identity) = identity {
        connector.set_certificate(&identity.certificate).unwrap();
        connector.set_private_key(&identity.key).unwrap();
    }
    let configured =
        connector.build().configure().unwrap().verify_hostname(false).use_server_name_indication(false);
    configured.connect("node", socket(node)).ok()
}

fn frame(length: u32, body: &[u8]) -> Vec<u8> {
    [&[PROTOCOL], &length.to_be_bytes()[..], body].concat()
}

fn answer(stream: &mut impl Read) -> Option<Answer> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().unwrap()) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(decode(&body).unwrap())
}

fn ask(node: &TestNode, identity: Option<&Identity>, request: &Request) -> Option<Answer> {
    let mut stream = connect(node, identity)?;
    let body = encode(request);
    stream.write_all(&frame(body.len() as u32, &body)).ok()?;
    answer(&mut stream)
}

fn refusal(answer: Option<Answer>) -> Option<Refusal> {
    match answer {
        Some(Answer::Refused(refusal)) => Some(refusal),
        Some(_) => panic!("answered"),
        None => None,
    }
}

#[test]
fn only_a_node_with_a_certificate_of_this_cluster_is_answered_and_only_a_member_is_served() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    let read = Request::ReadIndex;
    let peer = ca.issue(&Role::Node(5)).unwrap();
    let heard = refusal(ask(&node, Some(&peer), &read));
    assert_eq!(heard, Some(Refusal::NotAMember), "a node is answered, if only that it is not a member");

    assert!(ask(&node, None, &read).is_none(), "no certificate");
    let client = ca.issue(&Role::Client("web".to_owned())).unwrap();
    assert!(ask(&node, Some(&client), &read).is_none(), "a client's certificate");
    let stranger = Identity::new_ca("test").unwrap().issue(&Role::Node(5)).unwrap();
    assert!(ask(&node, Some(&stranger), &read).is_none(), "a node of another cluster of the same name");
    assert!(ask(&node, Some(&ca), &read).is_none(), "the CA itself");

    let mut plain = socket(&node);
    let body = encode(&read);
    plain.write_all(&frame(body.len() as u32, &body)).unwrap();
    assert!(answer(&mut plain).is_none(), "no TLS");
    node.set("key=value");
}

#[test]
fn a_frame_that_is_too_long_is_refused_before_it_is_read() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    let peer = ca.issue(&Role::Node(5)).unwrap();
    for length in [LONGEST + 1, u32::MAX] {
        let mut stream = connect(&node, Some(&peer)).unwrap();
        // The head only: were the node to wait for the body, no answer would come.
        stream.write_all(&frame(length, &[])).unwrap();
        assert_eq!(refusal(answer(&mut stream)), Some(Refusal::TooLong(LONGEST)));
        assert!(answer(&mut stream).is_none(), "and the connection is closed");
    }
}

#[test]
fn another_version_and_nonsense_are_refused_by_name() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    let peer = ca.issue(&Role::Node(5)).unwrap();
    let mut stream = connect(&node, Some(&peer)).unwrap();
    stream.write_all(&[PROTOCOL + 1, 0, 0, 0, 0]).unwrap();
    assert_eq!(refusal(answer(&mut stream)), Some(Refusal::Version(PROTOCOL)));

    let mut stream = connect(&node, Some(&peer)).unwrap();
    for body in [
        &b""[..],
        b"\xff",
        b"\x01",
        b"\x01\xff\xff\xff\xff",
        &[1, 3, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    ] {
        stream.write_all(&frame(body.len() as u32, body)).unwrap();
        assert_eq!(refusal(answer(&mut stream)), Some(Refusal::Malformed), "{body:?}");
    }
}

#[test]
fn a_node_can_not_stand_for_election_in_the_name_of_another() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    let term = node.cluster().status().term;
    let peer = ca.issue(&Role::Node(5)).unwrap();
    let vote = Request::Vote(VoteRequest::new(Vote::new(term + 10, 6), None));
    assert_eq!(refusal(ask(&node, Some(&peer), &vote)), Some(Refusal::Impostor));
    assert_eq!(node.cluster().status().term, term);
}

#[test]
fn crowds_of_silent_and_of_babbling_connections_do_not_keep_a_node_from_being_heard() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    let peer = ca.issue(&Role::Node(5)).unwrap();
    for _ in 0..MOST_HANDSHAKES {
        // The node may close it before all is written.
        let _ = socket(&node).write_all(&[0xaa; 1000]);
    }
    let mut silent: Vec<TcpStream> = (0..MOST_HANDSHAKES + 10).map(|_| socket(&node)).collect();
    assert_eq!(refusal(ask(&node, Some(&peer), &Request::ReadIndex)), Some(Refusal::NotAMember));
    for connection in &mut silent {
        let closed = match connection.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(closed, "a silent connection is closed");
    }
    node.set("key=value");
}
