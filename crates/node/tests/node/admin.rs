//! The local administration socket: what it answers, to whom, and what it bears.

use crate::common::administration::{Fake, ONE, THREE, TWO, status};
use cloister_node::admin::{self, AdminError, Administration, Client, Id, SOCKET};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A running node to look after.
struct Running {
    node: Arc<Fake>,
    folder: TempDir,
    runtime: Runtime,
}

impl Running {
    fn start() -> Running {
        let (node, folder) = (Arc::new(Fake::default()), TempDir::new().unwrap());
        let running = Running { node, folder, runtime: Runtime::new().unwrap() };
        running.listen();
        running
    }

    fn listen(&self) {
        let _inside = self.runtime.enter();
        self.runtime.spawn(admin::serve(admin::listen(self.path()).unwrap(), self.node.clone()));
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn client(&self) -> Client {
        Client::connect(self.path()).unwrap()
    }

    /// A connection on which anything may be said.
    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path().join(SOCKET)).unwrap();
        // Only a test that fails waits so long.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

/// Says it, and answers all that comes until the node closes the connection.
fn said(mut stream: UnixStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // It closes without having read all.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

#[test]
fn the_status_arrives_as_the_node_tells_it() {
    let running = Running::start();
    let report = running.client().status().unwrap();
    assert_eq!(report, running.runtime.block_on(running.node.cluster()));
    assert_eq!((report.asked, report.leader, report.term), (Id(ONE), Some(Id(ONE)), 7));
    let ids: BTreeSet<u64> = report.members.iter().map(|member| member.id.0).collect();
    assert_eq!(ids, status().members.iter().map(|member| member.id).collect());
    let two = report.member(Id(TWO)).unwrap();
    assert_eq!((two.lag, two.skew, two.votes), (Some(3), Some(-250), true));
    let three = report.member(Id(THREE)).unwrap();
    assert_eq!((three.lag, three.skew, three.votes), (None, None, false));
    assert!(three.report.is_none(), "it was not reached");
}

#[test]
fn a_member_is_removed_and_a_refusal_says_why() {
    let running = Running::start();
    let mut client = running.client();
    client.remove(Id(THREE)).unwrap();
    let refused = client.remove(Id(ONE)).unwrap_err();
    assert!(matches!(&refused, AdminError::Refused(why) if why == "the leader can't remove itself"));
    assert_eq!(*running.node.removed.lock(), [THREE]);
    client.status().unwrap();
}

#[test]
fn what_is_no_request_is_told_so_and_hurts_nobody() {
    let running = Running::start();
    let wrong: [&[u8]; 5] =
        [b"{", b"\"Reboot\"", b"{\"Remove\":{\"id\":\"xyz\"}}", b"\xff\xfe", b"\"Status\" 1"];
    for message in wrong {
        let answer = said(running.raw(), &framed(message));
        assert!(answer.contains("no request"), "{}: {answer}", String::from_utf8_lossy(message));
    }
    for length in [0, (1 << 20) + 1, u32::MAX] {
        let answer = said(running.raw(), &length.to_be_bytes());
        assert!(answer.contains(&format!("{length} bytes")), "{length}: {answer}");
    }
    // The longest there can be, and one cut short.
    assert!(said(running.raw(), &framed(&vec![b' '; 1 << 20])).contains("no request"));
    let mut cut = running.raw();
    cut.write_all(&framed(b"\"Status\"")[..6]).unwrap();
    drop(cut);
    assert!(running.node.removed.lock().is_empty());
    running.client().status().unwrap();
}

#[test]
fn half_open_connections_keep_nobody_out() {
    let running = Running::start();
    let half_open: Vec<UnixStream> = (0..100).map(|_| running.raw()).collect();
    running.client().status().unwrap();
    drop(half_open);
}

#[test]
fn the_socket_is_its_owners_and_one_that_a_dead_node_left_is_replaced() {
    let mut running = Running::start();
    let socket = running.path().join(SOCKET);
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    {
        let _inside = running.runtime.enter();
        let second = admin::listen(running.path()).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse, "the node runs already");
    }
    std::mem::replace(&mut running.runtime, Runtime::new().unwrap())
        .shutdown_timeout(Duration::from_secs(60));
    assert!(matches!(Client::connect(running.path()), Err(AdminError::NotRunning(_))));
    running.listen();
    running.client().status().unwrap();
}

#[test]
fn who_asks_a_node_that_does_not_run_is_told_how_to_start_it() {
    let folder = TempDir::new().unwrap();
    let told = |path: &Path| Client::connect(path).err().unwrap().to_string();
    let path = folder.path().display();
    assert_eq!(
        told(folder.path()),
        format!("the node of {path} is not running: start it with `cloister node run --data {path}`")
    );
    let missing = folder.path().join("missing");
    assert!(told(&missing).starts_with(&format!("there is no folder {}", missing.display())));
}

#[test]
fn a_node_that_goes_away_in_the_middle_is_told_as_that() {
    let folder = TempDir::new().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap();
    let mut client = Client::connect(folder.path()).unwrap();
    drop(listener.accept().unwrap());
    let told = client.status().unwrap_err().to_string();
    assert!(told.contains("went away before it answered"), "{told}");
}
