//! Who is answered on the sync socket, and what is read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use cloister::proto::peer::Role;
use openraft::raft::{AppendEntriesRequest, InstallSnapshotRequest, VoteRequest};
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};

use super::nodes::{PATIENCE, TestNode, founder, three};
use crate::pki::Identity;
use crate::raft::encoding::{decode, encode};
use crate::raft::frame::{LONGEST, PROTOCOL};
use crate::raft::message::{Answer, Refusal, Request};
use crate::raft::sync_socket::MOST_HANDSHAKES;
use crate::raft::types::{SnapshotMeta, Vote};

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
fn a_node_that_is_no_member_leads_nobody_and_moves_nobody_to_an_election() {
    let ca = Identity::new_ca("test").unwrap();
    let node = founder(&ca, 10_000);
    node.set("key=value");
    let term = node.cluster().status().term;
    let invited = ca.invite(5, u64::MAX).unwrap();
    let leads = Request::Append(AppendEntriesRequest {
        vote: Vote::new_committed(term + 10, 5),
        prev_log_id: None,
        entries: Vec::new(),
        leader_commit: None,
    });
    let stands = Request::Vote(VoteRequest::new(Vote::new(term + 10, 5), None));
    let replaces = Request::Snapshot(InstallSnapshotRequest {
        vote: Vote::new_committed(term + 10, 5),
        meta: SnapshotMeta::default(),
        offset: 0,
        data: b"all yours".to_vec(),
        done: true,
    });
    for request in [leads, stands, replaces, Request::IsMember(5)] {
        assert_eq!(refusal(ask(&node, Some(&invited), &request)), Some(Refusal::NotAMember));
    }
    assert_eq!(node.cluster().status().term, term);
    node.set("key=other");
}

#[test]
fn a_removed_node_that_does_not_know_it_disturbs_nobody() {
    let ca = Identity::new_ca("test").unwrap();
    let mut nodes = three(&ca);
    nodes[2].kill();
    let (leader, gone) = (&nodes[0], nodes[2].id);
    leader.run(leader.cluster().remove(gone)).unwrap();
    let term = leader.cluster().status().term;
    nodes[2].restart();
    for _ in 0..10 {
        nodes[2].run(nodes[2].cluster().stand());
        nodes[0].set("key=value");
    }
    assert_eq!(nodes[0].cluster().status().term, term);
}

#[test]
fn a_node_that_has_been_away_follows_one_that_was_added_meanwhile() {
    let ca = Identity::new_ca("test").unwrap();
    let mut nodes = three(&ca);
    nodes[2].kill();
    let added = TestNode::start(&ca, "n4", 10_000);
    nodes[0].add(&added);
    nodes[0].run(nodes[0].cluster().promote(added.id)).unwrap();
    nodes[0].set("key=value");
    nodes[0].kill();
    nodes[2].restart();
    // Of four nodes three are left: it takes the vote of the one that does not know the candidate.
    while added.cluster().status().leader.is_none() {
        added.run(added.cluster().stand());
        let elected = added.cluster().wait_until(Duration::from_secs(5), |status| status.leader.is_some());
        let _ = added.run(elected);
    }
    added.set("key=other");
    assert_eq!(nodes[2].get("key").as_deref(), Some("other"));
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
