//! Who is heard on a node's sockets, and what these bear.

use crate::common::certificates::{self, Certificates, NODE};
use crate::common::client::Client;
use crate::common::strangers::{ask_as_client, ask_as_node, say_as_node, socket, tls};
use crate::common::{Node, wait_for};
use cloister::proto::frame;
use cloister::proto::message::{Call, Request};
use cloister::proto::peer::Role;
use cloister_node::admin;
use cloister_node::clock;
use cloister_node::neighbours::{Question, Reply};
use cloister_node::pki::Identity;
use cloister_node::raft::types;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A question on the sync socket that any node of the cluster is answered.
fn clock_question() -> Vec<u8> {
    // Version, length, and a request of which only its answer tells that it could not be read.
    vec![1, 0, 0, 0, 1, 0xff]
}

#[test]
fn without_a_certificate_of_the_clusters_ca_nothing_is_answered_on_either_socket() {
    let (node, strange) = (Node::new(), Certificates::new());
    let (client, other) = (certificates::client(), Role::Node(5));
    assert!(ask_as_client(&node, Some(&node.certificates().issue(&client))).is_some());
    assert!(!say_as_node(&node, Some(&node.certificates().issue(&other)), &too_long()).is_empty());
    let strangers = [
        None,
        Some(strange.issue(&client)),
        Some(strange.issue(&other)),
        Some(node.certificates().ca.clone()),
    ];
    for stranger in strangers {
        assert_eq!(ask_as_client(&node, stranger.as_ref()), None, "{stranger:?}");
        let told = say_as_node(&node, stranger.as_ref(), &clock_question());
        assert!(told.is_empty(), "{stranger:?}");
    }
    for address in [node.address(), node.sync()] {
        let mut plain = socket(address);
        plain.write_all(&clock_question()).unwrap();
        // It may be closed already.
        let _ = plain.shutdown(std::net::Shutdown::Write);
        let mut told = Vec::new();
        let _ = plain.read_to_end(&mut told);
        // At most an alert of TLS, which says nothing.
        assert!(told.len() <= 7, "{told:?}");
    }
}

#[test]
fn a_client_can_not_speak_on_the_sync_socket_nor_a_node_on_the_client_socket() {
    let node = Node::new();
    let client = node.certificates().issue(&certificates::client());
    assert!(say_as_node(&node, Some(&client), &too_long()).is_empty());
    assert!(ask_as_node(&node, &client, &Question::Clock).is_none());
    assert_eq!(ask_as_client(&node, Some(&node.certificates().issue(&NODE))), None);
    assert_eq!(ask_as_client(&node, Some(&node.certificates().issue(&Role::Node(node.id())))), None);
}

fn invited(node: &Node, until: u64) -> Identity {
    node.certificates().ca.invite(types::new_node_id().unwrap(), until).unwrap()
}

#[test]
fn an_invited_node_that_is_no_member_gets_nothing_but_admission() {
    let node = Node::new();
    let invited = invited(&node, clock::now() + 3600);
    let message = Request { ticket: None, id: None, seen: 0, call: Call::IsInitialized }.encode().unwrap();
    let client = || Question::Client(message[..].into());
    for question in [client(), Question::Keys, Question::Report, Question::Remove(node.id())] {
        let told = ask_as_node(&node, &invited, &question);
        assert!(matches!(told, Some(Reply::Refused(_))), "more than a refusal");
    }
    assert!(matches!(ask_as_node(&node, &invited, &admit("n2")), Some(Reply::Done)));
    assert!(
        matches!(ask_as_node(&node, &invited, &Question::Keys), Some(Reply::Keys(_))),
        "now it is a member"
    );
}

fn admit(name: &str) -> Question {
    let address = format!("{name}.example:7421");
    Question::Admit(types::Node { address, name: name.to_owned() })
}

#[track_caller]
fn refused(node: &Node, identity: &Identity, question: &Question, why: &str) {
    match ask_as_node(node, identity, question) {
        Some(Reply::Refused(told)) => assert!(told.contains(why), "{told}"),
        _ => panic!("not refused"),
    }
}

#[test]
fn an_expired_invitation_a_used_one_none_and_the_id_of_a_former_member_are_refused() {
    let node = Node::new();
    refused(&node, &invited(&node, clock::now() - 1), &admit("n2"), "expired");
    refused(&node, &node.certificates().issue(&Role::Node(9)), &admit("n2"), "not invited");
    let good = invited(&node, clock::now() + 3600);
    for (name, address) in
        [("n 2", "n2.example:7421"), ("n2", "nowhere"), ("n2", "0.0.0.0:7421"), ("", "n:1")]
    {
        let odd = types::Node { address: address.to_owned(), name: name.to_owned() };
        refused(&node, &good, &Question::Admit(odd), "its name or its address");
    }
    refused(&node, &good, &admit("n1"), "already with that name");

    assert!(matches!(ask_as_node(&node, &good, &admit("n2")), Some(Reply::Done)));
    refused(&node, &good, &admit("n3"), "used before");
    let members = || admin::Client::connect(&node.data()).unwrap().status().unwrap().members;
    let joined = wait_for("it is listed", || members().into_iter().find(|member| member.name == "n2"));
    admin::Client::connect(&node.data()).unwrap().remove(joined.id).unwrap();
    assert!(ask_as_node(&node, &good, &admit("n2")).is_none(), "nothing is said to who was removed");
    assert!(ask_as_node(&node, &good, &Question::Keys).is_none());
}

/// The head of a frame for the sync socket that is longer than any.
fn too_long() -> Vec<u8> {
    [&[1][..], &u32::MAX.to_be_bytes()].concat()
}

#[test]
fn frames_are_bounded_before_they_are_read_on_both_sockets() {
    let node = Node::new();
    let other = node.certificates().issue(&Role::Node(5));
    // The head only: were the node to wait for the rest, no end would come.
    assert!(!say_as_node(&node, Some(&other), &too_long()).is_empty(), "why it is refused");
    let client = node.certificates().issue(&certificates::client());
    for length in [0, u32::try_from(frame::LIMIT).unwrap() + 1, u32::MAX] {
        let mut stream = tls(node.address(), Some(&client)).unwrap();
        stream.write_all(&length.to_be_bytes()).unwrap();
        assert!(!matches!(stream.read(&mut [0]), Ok(1..)), "answered");
    }
}

fn is_closed(mut stream: TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]), Ok(_) | Err(_))
}

#[test]
fn slow_and_half_open_connections_are_dropped_and_take_nobodys_place_meanwhile() {
    let node = Node::limited("handshake-seconds = 1\nmessage-seconds = 1\nconnections = 4");
    let client = node.certificates().issue(&certificates::client());
    let half_open: Vec<TcpStream> = (0..20).map(|_| socket(node.address())).collect();
    let also: Vec<TcpStream> = (0..20).map(|_| socket(node.sync())).collect();
    assert!(ask_as_client(&node, Some(&client)).is_some(), "while all the others say nothing");
    let mut slow = tls(node.address(), Some(&client)).unwrap();
    slow.write_all(b"\0\0\0\x09half").unwrap();
    assert!(!matches!(slow.read(&mut [0]), Ok(1..)));
    assert!(half_open.into_iter().chain(also).all(is_closed));
}

/// Comes with something that is no handshake, and leaves.
fn babble(address: SocketAddr, number: usize) -> Option<TcpStream> {
    let garbage: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64], b"\x16\x03\x01\xff\xff\x01", b""];
    let mut stream = TcpStream::connect(address).ok()?;
    // The node may have closed it already.
    let _ = stream.write_all(garbage[number % garbage.len()]);
    Some(stream)
}

#[test]
fn ten_thousand_garbage_connections_do_not_keep_a_node_from_answering_meanwhile_or_afterwards() {
    const EACH: usize = 5000;
    let node = Node::limited("connections = 16");
    let client = node.certificates().issue(&certificates::client());
    let came = std::thread::scope(|scope| {
        let crowds = [node.address(), node.sync()].map(|address| {
            scope.spawn(move || {
                // The last hundred stay as they are.
                let mut kept = std::collections::VecDeque::new();
                let mut came = 0;
                for stream in (0..EACH).filter_map(|number| babble(address, number)) {
                    came += 1;
                    kept.push_back(stream);
                    if kept.len() > 100 {
                        kept.pop_front();
                    }
                }
                came
            })
        });
        while !crowds.iter().all(|crowd| crowd.is_finished()) {
            assert!(Client::of(&node).ask(None, Call::IsInitialized).is_ok(), "meanwhile");
            // Its handshake may be pushed out by the crowd, but not for long.
            wait_for("a client is answered by TLS", || ask_as_client(&node, Some(&client)));
            wait_for("a node is answered", || {
                ask_as_node(&node, &node.certificates().issue(&NODE), &Question::Clock)
            });
        }
        crowds.map(|crowd| crowd.join().unwrap())
    });
    assert_eq!(came, [EACH, EACH]);
    assert!(ask_as_client(&node, Some(&client)).is_some(), "afterwards");
    assert!(Client::of(&node).ask(None, Call::IsInitialized).is_ok());
}
