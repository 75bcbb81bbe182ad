//! What the client socket bears: garbage, slowness, strangers, and calls asked twice.

use crate::common::certificates::{self, Certificates, NODE};
use crate::common::client::{Client, aes_key, ec_pair, exchange, run};
use crate::common::{Node, PATIENCE};
use cloister::attribute::Attributes;
use cloister::config::{ClusterSettings, NodeAddress, TlsFiles};
use cloister::error::Error;
use cloister::mechanism::Purpose;
use cloister::pin::Role;
use cloister::proto::frame;
use cloister::proto::message::{Answer, Call, Changed, Made, Place, Reply, Request};
use cloister::token::Token;
use cloister::token::remote::RemoteToken;
use cloister_node::pki::Identity;
use cloister_node::server::service::Lifetimes;
use cloister_node::server::tls;
use cryptoki_sys as ck;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[test]
fn a_change_asked_twice_is_made_once_and_answered_alike() {
    let node = Node::new();
    let mut client = Client::of(&node);
    let ticket = client.set_up();
    let request =
        Request { ticket: Some(ticket.clone()), id: Some([5; 16]), seen: client.seen, call: aes_key(&[]) };
    let first = client.exchange(&request);
    // Over another connection, as after a failure.
    let again = Client::of(&node).exchange(&request);
    assert!(first.is_ok() && first == again, "{first:?}, {again:?}");
    let Ok(Reply::Found(found)) = client.ask(Some(&ticket), Call::Find { template: Attributes::new() })
    else {
        panic!("nothing found")
    };
    assert_eq!(found.len(), 1);
    let stolen = client.ask_as(None, Some([5; 16]), Call::Info);
    assert_eq!(stolen, Err(Error::ArgumentsBad), "an id brings nobody another's answer");
}

#[test]
fn a_ticket_altered_by_one_bit_opens_nothing() {
    let node = Node::new();
    let mut client = Client::of(&node);
    let ticket = client.set_up();
    let find = || Call::Find { template: Attributes::new() };
    assert!(client.ask(Some(&ticket), find()).is_ok());
    for at in 0..ticket.len() {
        let mut altered = ticket.clone();
        altered[at] ^= 1;
        assert_eq!(client.ask(Some(&altered), find()), Err(Error::UserNotLoggedIn), "byte {at}");
    }
}

#[test]
fn a_confirmation_is_good_for_one_operation() {
    let node = Node::new();
    let mut client = Client::of(&node);
    let ticket = client.set_up();
    let made = client.ask(Some(&ticket), aes_key(&[(ck::CKA_PRIVATE, true)]));
    let Ok(Reply::Made(Made { place, .. })) = made else { panic!("{made:?}") };
    // The attribute is for private keys; that of an EC pair is tried through the module.
    let encrypt = |key: &Place| run(Purpose::Encrypt, ck::CKM_AES_ECB, key, &[0; 16]);
    let sign = |key: &Place| run(Purpose::Sign, ck::CKM_ECDSA_SHA256, key, &[1]);
    let asked = client.ask(Some(&ticket), Call::Confirm { password: b"user-1234".as_slice().into() });
    let Ok(Reply::Ticket { sealed: confirmed, .. }) = asked else { panic!("{asked:?}") };
    assert!(client.ask(Some(&confirmed), encrypt(&place)).is_ok());
    let pair = client.ask(Some(&confirmed), ec_pair());
    let Ok(Reply::Pair(_, private)) = pair else { panic!("{pair:?}") };
    let refused = Err(Error::UserNotLoggedIn);
    assert_eq!(client.ask(Some(&ticket), sign(&private.place)), refused, "not confirmed");
    assert_eq!(client.ask(Some(&confirmed), sign(&private.place)), refused, "used before");
    let asked = client.ask(Some(&ticket), Call::Confirm { password: b"user-1234".as_slice().into() });
    let Ok(Reply::Ticket { sealed: confirmed, .. }) = asked else { panic!("{asked:?}") };
    let request =
        Request { ticket: Some(confirmed.clone()), id: Some([1; 16]), seen: 0, call: sign(&private.place) };
    let signed = client.exchange(&request);
    assert!(signed.is_ok(), "{signed:?}");
    assert_eq!(client.exchange(&request), signed, "retried");
    assert_eq!(client.ask_as(Some(&confirmed), Some([2; 16]), sign(&private.place)), refused, "used twice");
}

#[test]
fn a_login_is_renewed_for_its_user_and_nobody_else() {
    let node = Node::new();
    let mut client = Client::of(&node);
    let ticket = client.set_up();
    let renewed = client.ask(Some(&ticket), Call::Renew);
    let Ok(Reply::Ticket { sealed, lifetime }) = renewed else { panic!("{renewed:?}") };
    assert_eq!(lifetime, Lifetimes::default().login.as_secs());
    assert_ne!(sealed, ticket);
    assert_eq!(client.ask(Some(&sealed), Call::Holds), Ok(Reply::Flag(true)));

    let refused = Err(Error::UserNotLoggedIn);
    assert_eq!(client.ask(None, Call::Renew), refused);
    let asked = client.ask(Some(&ticket), Call::Confirm { password: b"user-1234".as_slice().into() });
    let Ok(Reply::Ticket { sealed: confirmed, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(client.ask(Some(&confirmed), Call::Renew), refused, "a confirmation");
    let officer = client.log_in(Role::Officer, "officer-1");
    let gone = Call::DeleteUser { role: Role::User, name: "user".to_owned() };
    assert_eq!(client.ask(Some(&officer), gone), Ok(Reply::Done));
    assert_eq!(client.ask(Some(&sealed), Call::Renew), refused, "of a user who has gone");
}

#[test]
fn an_answer_tells_whether_anything_has_changed_since_the_index_of_its_request() {
    let node = Node::new();
    let mut client = Client::of(&node);
    client.set_up();
    let mut ask = |seen| {
        exchange(&mut client.stream, &Request { ticket: None, id: None, seen, call: Call::IsInitialized })
    };
    let first = ask(0);
    assert!(first.seen > 0);
    assert_eq!(ask(first.seen).changed, Changed::Only(Vec::new()));
}

#[test]
fn a_client_that_has_seen_a_history_that_was_lost_is_served_and_told_to_begin_anew() {
    let node = Node::new();
    let mut client = Client::of(&node);
    client.set_up();
    let seen = u64::MAX / 2;
    let request = Request { ticket: None, id: None, seen, call: Call::IsInitialized };
    let answer = exchange(&mut client.stream, &request);
    assert_eq!((answer.result, answer.changed), (Ok(Reply::Flag(true)), Changed::Any));
    assert!(answer.seen < seen);
}

#[test]
fn garbage_closes_its_connection_and_harms_no_other() {
    let node = Node::new();
    let mut good = Client::of(&node);
    let garbage: [&[u8]; 5] = [
        &[0, 0, 0, 0],
        &[0xff; 4],
        &u32::try_from(frame::LIMIT + 1).unwrap().to_be_bytes(),
        b"\0\0\0\x04\x01xyz",
        b"GET / HTTP/1.1\r\n\r\n",
    ];
    for bytes in garbage.iter().cycle().take(1000) {
        let mut client = Client::of(&node);
        client.stream.write_all(bytes).unwrap();
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(client.is_closed(), "{bytes:?}");
    }
    assert_eq!(good.ask(None, Call::IsInitialized), Ok(Reply::Flag(false)));
}

#[test]
fn slow_and_silent_connections_are_closed() {
    let node = Node::limited("handshake-seconds = 1");
    assert!(Client::of(&node).is_closed(), "nothing was said");

    let node = Node::limited("message-seconds = 1");
    let mut half = Client::of(&node);
    half.stream.write_all(b"\0\0\0\x09half").unwrap();
    assert!(half.is_closed(), "a message was not ended");

    let node = Node::limited("idle-seconds = 1");
    let mut idle = Client::of(&node);
    assert_eq!(idle.ask(None, Call::IsInitialized), Ok(Reply::Flag(false)));
    assert!(idle.is_closed(), "nothing more was said");
}

#[test]
fn one_connection_too_many_is_closed_and_a_place_left_is_taken() {
    let node = Node::limited("connections = 1");
    let mut first = Client::of(&node);
    assert!(first.ask(None, Call::IsInitialized).is_ok());
    assert!(Client::of(&node).is_closed());
    assert!(first.ask(None, Call::IsInitialized).is_ok());
    drop(first);
    let ask = || {
        let mut client = Client::of(&node);
        let message = Request { ticket: None, id: None, seen: 0, call: Call::Holds }.encode().unwrap();
        frame::write(&mut client.stream, frame::header(&message).unwrap(), &message).ok()?;
        frame::read(&mut client.stream).ok()
    };
    // The node learns in its own time that the first has gone.
    assert!(std::iter::repeat_with(ask).take(100_000).any(|answer| answer.is_some()));
}

#[test]
fn a_socket_is_its_owners_and_is_not_taken_from_a_node_that_serves() {
    let mut node = Node::new();
    let mode = |node: &Node| std::fs::metadata(node.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&node), 0o600);
    let taken = cloister_node::server::listen::Listener::unix(&node.path(), 0o600);
    assert_eq!(taken.err().map(|error| error.kind()), Some(std::io::ErrorKind::AddrInUse));
    node.restart();
    assert!(Client::of(&node).ask(None, Call::IsInitialized).is_ok());
}

/// Connects with a certificate, and asks.
fn by_tls(node: &Node, identity: Option<&Identity>) -> Option<Answer> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    if let Some(identity) = identity {
        builder.set_certificate(&identity.certificate).unwrap();
        builder.set_private_key(&identity.key).unwrap();
    }
    let stream = TcpStream::connect(node.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = builder.build().connect("localhost", stream).ok()?;
    let message = Request { ticket: None, id: None, seen: 0, call: Call::IsInitialized }.encode().unwrap();
    frame::write(&mut stream, frame::header(&message).unwrap(), &message).ok()?;
    Answer::decode(&frame::read(&mut stream).ok()?)
}

#[test]
fn only_a_clients_certificate_of_the_cluster_is_answered() {
    let (node, strange) = (Node::new(), Certificates::new());
    let certificates = node.certificates();
    let client = certificates::client();
    assert!(by_tls(&node, Some(&certificates.issue(&client))).is_some());
    assert_eq!(by_tls(&node, None), None, "without a certificate");
    assert_eq!(by_tls(&node, Some(&strange.issue(&client))), None, "of another CA");
    assert_eq!(by_tls(&node, Some(&certificates.issue(&NODE))), None, "a node's");
    assert_eq!(by_tls(&node, Some(&certificates.ca)), None, "of no role");
}

#[test]
fn a_library_asks_nobody_but_a_node_of_the_cluster_whatever_its_host_is_called() {
    let (certificates, strange) = (Certificates::new(), Certificates::new());
    let folder = tempfile::tempdir().unwrap();
    certificates.write_client(folder.path());
    let file = |name: &str| folder.path().join(name);
    let ask = |port: u16, host: &str| {
        let settings = ClusterSettings {
            nodes: vec![NodeAddress::Tls { host: host.to_owned(), port }],
            tls: Some(TlsFiles {
                ca: file("ca.pem"),
                certificate: file("client.pem"),
                key: file("client.key"),
            }),
            connect_timeout: PATIENCE,
            probe: PATIENCE,
            request_timeout: PATIENCE,
            retry: Duration::ZERO,
        };
        RemoteToken::new(settings).is_initialized()
    };
    let good = Node::founded(&certificates, "");
    assert_eq!(ask(good.address().port(), "localhost"), Ok(false));
    assert_eq!(ask(good.address().port(), "127.0.0.1"), Ok(false));
    let refused = Err(Error::DeviceRemoved);
    let with = |identity: &Identity| tls_server(&certificates, identity, |_| Reply::Flag(false)).port();
    assert_eq!(ask(with(&certificates.issue(&NODE)), "localhost"), Ok(false), "what others are measured by");
    let client = certificates.issue(&certificates::client());
    assert_eq!(ask(with(&client), "localhost"), refused, "a client's certificate");
    assert_eq!(ask(with(&certificates.ca), "localhost"), refused, "of no role");
    assert_eq!(ask(with(&strange.issue(&NODE)), "localhost"), refused, "of another CA");
}

/// Serves on TLS with this certificate, whatever it is for.
fn tls_server(
    certificates: &Certificates,
    identity: &Identity,
    reply: impl Fn(&[u8]) -> Reply + Clone + Send + 'static,
) -> SocketAddr {
    let context = tls::context(&certificates.ca.certificate, &identity.certificate, &identity.key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (reply, context) = (reply.clone(), context.clone());
            std::thread::spawn(move || {
                let mut stream = Ssl::new(&context).unwrap().accept(stream.unwrap()).ok()?;
                while let Ok(message) = frame::read(&mut stream) {
                    let answer =
                        Answer { seen: 0, changed: Changed::Any, result: Ok(reply(&message)) }.encode();
                    frame::write(&mut stream, frame::header(&answer).unwrap(), &answer).ok()?;
                }
                Some(())
            });
        }
    });
    address
}

/// A node on TLS that answers its first call only after a ping over another connection.
fn busy_node(certificates: &Certificates) -> SocketAddr {
    let pinged = Arc::new((Mutex::new(false), Condvar::new()));
    tls_server(certificates, &certificates.issue(&NODE), move |message| {
        let mut seen = pinged.0.lock().unwrap();
        if Request::is_ping(message) {
            *seen = true;
            pinged.1.notify_all();
            return Reply::Done;
        }
        drop(pinged.1.wait_while(seen, |seen| !*seen).unwrap());
        Reply::Flag(true)
    })
}

#[test]
fn a_library_waits_for_a_busy_node_over_tls_and_pings_it_meanwhile() {
    let certificates = Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    certificates.write_client(folder.path());
    let file = |name: &str| folder.path().join(name);
    let long = Duration::from_secs(24 * 3600);
    let settings = ClusterSettings {
        nodes: vec![NodeAddress::Tls { host: "localhost".to_owned(), port: busy_node(&certificates).port() }],
        tls: Some(TlsFiles { ca: file("ca.pem"), certificate: file("client.pem"), key: file("client.key") }),
        connect_timeout: long,
        probe: Duration::from_millis(50),
        request_timeout: long,
        // On a slow machine the ping may come too late: then the call is tried again.
        retry: long,
    };
    assert_eq!(RemoteToken::new(settings).is_initialized(), Ok(true));
}
