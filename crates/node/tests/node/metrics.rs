//! What the local port shows to whoever watches, and what it bears.

use crate::common::administration::Fake;
use crate::common::{Node, PATIENCE};
use cloister::error::Error;
use cloister::pin::{Credentials, Role};
use cloister::proto::message::{Call, Request};
use cloister::proto::{DATA_LIMIT, frame};
use cloister_node::metrics::{self, Counters};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The port of a node.
struct Port {
    node: Arc<Fake>,
    address: SocketAddr,
    _running: Runtime,
}

struct Response {
    head: String,
    body: String,
}

impl Port {
    fn open(counters: Arc<Counters>) -> Port {
        let running = Runtime::new().unwrap();
        let node = Arc::new(Fake::default());
        let listener = running.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        running.spawn(metrics::serve(listener, node.clone(), counters));
        Port { node, address, _running: running }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> Response {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        Response { head: head.to_lowercase(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Response {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: node\r\n\r\n"))
    }

    /// The number on the line of `/metrics` that begins so; `None` if there is no such line.
    fn number(&self, line: &str) -> Option<f64> {
        let page = self.get("/metrics").body;
        let rest = page.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '))?;
        Some(rest.parse().unwrap())
    }
}

impl Response {
    #[track_caller]
    fn has_status(self, status: u16) -> Response {
        assert!(self.head.starts_with(&format!("http/1.1 {status} ")), "{}", self.head);
        self
    }
}

#[test]
fn the_page_tells_every_number_of_the_node() {
    let port = Port::open(Arc::default());
    let page = port.get("/metrics").has_status(200);
    assert!(page.head.contains("content-type: application/openmetrics-text"), "{}", page.head);
    assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
    for line in [
        "cloister_serves 1",
        "cloister_token_initialized 1",
        "cloister_leader_known 1",
        "cloister_term 7",
        "cloister_last_log_index 120",
        "cloister_applied_index 119",
        "cloister_objects 42",
        "cloister_users 3",
        "cloister_client_connections 5",
        "cloister_certificate_expires_seconds 2000000000",
        "cloister_uptime_seconds 86400",
        "cloister_operations_total 1000000",
        "cloister_operations_per_second 12.5",
        "cloister_clock_seconds 1700000000.25",
        "cloister_role{role=\"leader\"} 1",
        "cloister_role{role=\"learner\"} 0",
        "cloister_member_lag_entries{id=\"0000000000000002\",name=\"two\"} 3",
        "cloister_node_info{id=\"fedcba9876543210\",name=\"one\",version=\"1.2.3\",protocol=\"1\",sync=\"one:7001\",client=\"one:7002\"} 1",
    ] {
        assert!(page.body.lines().any(|found| found == line), "{line} is missing in:\n{}", page.body);
    }
    port.node.report.lock().applied = None;
    assert_eq!(port.number("cloister_applied_index"), None, "what is not known is no zero");
}

#[test]
fn a_name_cannot_write_lines_of_its_own() {
    let port = Port::open(Arc::default());
    port.node.report.lock().name = "a\"\ncloister_serves 9\n\\".to_owned();
    let page = port.get("/metrics").body;
    assert!(page.contains(r#"name="a\"\ncloister_serves 9\n\\""#), "{page}");
    assert!(!page.lines().any(|line| line == "cloister_serves 9"), "{page}");
}

#[test]
fn the_page_follows_the_counters() {
    let counters: Arc<Counters> = Arc::default();
    let port = Port::open(counters.clone());
    let run = "cloister_calls_total{call=\"info\",outcome=\"ok\"}";
    assert_eq!(port.number(run), None);
    let user = || (&Credentials::from_pin(Role::User, b"1234")).into();
    let login = || Call::Login { role: Role::User, user: user() };
    let calls = [
        (Call::Info, Ok(())),
        (Call::Info, Ok(())),
        (login(), Ok(())),
        (login(), Err(Error::PinIncorrect)),
        (login(), Err(Error::PinLocked)),
        (login(), Err(Error::DeviceRemoved)),
        (Call::Random { length: 8 }, Err(Error::DeviceError)),
    ];
    for (call, result) in &calls {
        counters.answered(call, result, Duration::from_millis(20));
    }
    counters.forwarded();
    counters.proposed();
    counters.proposed();
    for (line, number) in [
        (run, 2.0),
        ("cloister_calls_total{call=\"login\",outcome=\"ok\"}", 1.0),
        ("cloister_calls_total{call=\"login\",outcome=\"refused\"}", 2.0),
        ("cloister_calls_total{call=\"login\",outcome=\"not_served\"}", 1.0),
        ("cloister_calls_total{call=\"random\",outcome=\"not_served\"}", 1.0),
        ("cloister_logins_total{pin=\"right\"}", 1.0),
        ("cloister_logins_total{pin=\"wrong\"}", 2.0),
        ("cloister_call_seconds_count{class=\"manage\"}", 4.0),
        ("cloister_call_seconds_bucket{le=\"0.01\",class=\"manage\"}", 0.0),
        ("cloister_call_seconds_bucket{le=\"0.025\",class=\"manage\"}", 4.0),
        ("cloister_call_seconds_count{class=\"read\"}", 2.0),
        ("cloister_call_seconds_count{class=\"use\"}", 1.0),
        ("cloister_forwarded_calls_total", 1.0),
        ("cloister_proposals_total", 2.0),
    ] {
        assert_eq!(port.number(line), Some(number), "{line}\n{}", port.get("/metrics").body);
    }
    assert_eq!(counters.operations(), calls.len() as u64);
}

#[test]
fn connections_and_their_bytes_are_counted_and_why_they_end() {
    let node = Node::limited("connections = 1");
    let port = Port::open(node.counters());
    let mut client = UnixStream::connect(node.path()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = Request { ticket: None, id: None, seen: 0, call: Call::IsInitialized }.encode().unwrap();
    frame::write(&mut client, frame::header(&request).unwrap(), &request).unwrap();
    let answer = frame::read(&mut client).unwrap();
    assert_eq!(node.counters().connections(), 1);

    let mut refused = UnixStream::connect(node.path()).unwrap();
    assert_eq!(refused.read(&mut [0]).unwrap(), 0, "there is room for one");

    let too_long = u32::try_from(2 * DATA_LIMIT).unwrap();
    client.write_all(&too_long.to_be_bytes()).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    for (line, number) in [
        ("cloister_client_connections_accepted_total", 1.0),
        ("cloister_client_connections_refused_total", 1.0),
        ("cloister_client_connections_dropped_total{reason=\"malformed\"}", 1.0),
        ("cloister_client_received_bytes_total", (frame::HEADER + request.len()) as f64),
        ("cloister_client_sent_bytes_total", (frame::HEADER + answer.len()) as f64),
    ] {
        assert_eq!(port.number(line), Some(number), "{line}");
    }
}

#[test]
fn a_client_that_is_slow_is_counted_as_such() {
    let node = Node::limited("handshake-seconds = 1");
    let port = Port::open(node.counters());
    let mut client = UnixStream::connect(node.path()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(port.number("cloister_client_connections_dropped_total{reason=\"slow\"}"), Some(1.0));
}

#[test]
fn a_node_that_serves_is_healthy_and_one_that_does_not_says_why_in_one_line() {
    let port = Port::open(Arc::default());
    assert_eq!(port.get("/healthz").has_status(200).body, "ok\n");
    port.node.report.lock().not_serving = Some("no leader\nis known".to_owned());
    assert_eq!(port.get("/healthz").has_status(503).body, "no leader is known\n");
    assert_eq!(port.number("cloister_serves"), Some(0.0));
    port.node.report.lock().not_serving = None;
    port.get("/healthz").has_status(200);
}

#[test]
fn anything_but_reading_the_two_pages_is_refused() {
    let port = Port::open(Arc::default());
    port.get("/").has_status(404);
    port.get("/metrics/../secret").has_status(404);
    let posted =
        port.ask("POST /metrics HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n\r\n").has_status(405);
    assert!(posted.head.contains("allow: get, head"), "{}", posted.head);
    assert_eq!(port.ask("HEAD /healthz HTTP/1.1\r\nHost: node\r\n\r\n").has_status(200).body, "");
    port.ask("not HTTP\r\n\r\n").has_status(400);
    let many = "X: y\r\n".repeat(100);
    port.ask(&format!("GET /healthz HTTP/1.1\r\n{many}\r\n")).has_status(431);
    port.get("/healthz").has_status(200);
}

#[test]
fn half_open_connections_keep_nobody_out() {
    let port = Port::open(Arc::default());
    let half_open: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = port.connect();
            // The node may have closed it to make room.
            let _ = stream.write_all(b"GET /met");
            stream
        })
        .collect();
    port.get("/healthz").has_status(200);
    let mut first = &half_open[0];
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)), "the first has made room");
}
