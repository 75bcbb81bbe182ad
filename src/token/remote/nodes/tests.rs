use super::*;
use crate::proto::frame;
use crate::proto::message::{Changed, Reply};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use tempfile::TempDir;

/// So long that a test which waits for it never ends.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// What a connection of a fake node does with its calls, one after the other; then it closes. Pings are answered besides.
#[derive(Clone, Copy)]
enum Does {
    Serve,
    Refuse(Error),
    /// Serves only after so many pings.
    AwaitPings(usize),
    /// Never answers.
    Hang,
}

use Does::{AwaitPings, Hang, Refuse, Serve};

/// A node that gives each of its connections its own script, and later ones the last.
struct Fake {
    scripts: Vec<Vec<Does>>,
    pings: (Mutex<usize>, Condvar),
    told: Sender<Vec<u8>>,
}

/// Starts one; the calls that it is asked.
fn node(path: &Path, scripts: &[&[Does]]) -> Receiver<Vec<u8>> {
    let listener = UnixListener::bind(path).unwrap();
    let (told, asked) = channel();
    let scripts = scripts.iter().map(|script| script.to_vec()).collect();
    let fake = Arc::new(Fake { scripts, pings: Default::default(), told });
    std::thread::spawn(move || {
        for at in 0.. {
            let (stream, _) = listener.accept().unwrap();
            let fake = fake.clone();
            std::thread::spawn(move || fake.converse(stream, at));
        }
    });
    asked
}

impl Fake {
    fn converse(&self, mut stream: UnixStream, at: usize) {
        let mut script = self.scripts[at.min(self.scripts.len() - 1)].iter();
        while let Ok(message) = frame::read(&mut stream) {
            let answered = if Request::is_ping(&message) {
                *self.pings.0.lock().unwrap() += 1;
                self.pings.1.notify_all();
                answer(&mut stream, Ok(Reply::Done))
            } else {
                let Some(does) = script.next() else { return };
                // A test that has ended asks no more.
                let _ = self.told.send(message.to_vec());
                self.act(*does, &mut stream)
            };
            if answered.is_err() {
                return;
            }
        }
    }

    fn act(&self, does: Does, stream: &mut UnixStream) -> io::Result<()> {
        match does {
            Serve => answer(stream, Ok(Reply::Done)),
            Refuse(error) => answer(stream, Err(error)),
            AwaitPings(count) => {
                let pings = self.pings.0.lock().unwrap();
                drop(self.pings.1.wait_while(pings, |pings| *pings < count).unwrap());
                answer(stream, Ok(Reply::Done))
            }
            Hang => frame::read(stream).map(|_| ()),
        }
    }
}

fn answer(stream: &mut UnixStream, result: Result<Reply>) -> io::Result<()> {
    let answer = Answer { seen: 0, changed: Changed::Any, result }.encode();
    frame::write(stream, frame::header(&answer).unwrap(), &answer)
}

/// Paths for two nodes.
fn two() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    (folder, one, other)
}

/// Asks in the order given while all is well.
fn nodes(paths: &[&PathBuf], retry: Duration) -> Nodes {
    let settings = ClusterSettings {
        nodes: paths.iter().map(|path| NodeAddress::Unix(path.to_path_buf())).collect(),
        tls: None,
        connect_timeout: LONG,
        probe: LONG,
        request_timeout: LONG,
        retry,
    };
    let standings = Standings::with_lots((0..paths.len()).collect());
    Nodes { standings, ..Nodes::new(settings) }
}

/// The same, with connections that stall at once.
fn impatient(paths: &[&PathBuf], probe: Duration, retry: Duration) -> Nodes {
    let mut nodes = nodes(paths, retry);
    nodes.tick = Duration::from_millis(1);
    nodes.settings.probe = probe;
    nodes
}

fn first(nodes: &Nodes) -> usize {
    nodes.standings.choose(&[]).unwrap().node
}

fn exchange(nodes: &Nodes, message: &[u8]) -> Result<Reply> {
    nodes.exchange(message)?.result
}

#[test]
fn a_node_that_is_not_there_is_passed_over_and_then_tried_last() {
    let (_folder, nowhere, here) = two();
    let asked = node(&here, &[&[Serve, Serve]]);
    let nodes = nodes(&[&nowhere, &here], Duration::ZERO);
    assert_eq!(exchange(&nodes, b"one"), Ok(Reply::Done));
    assert_eq!(first(&nodes), 1);
    assert_eq!(exchange(&nodes, b"two"), Ok(Reply::Done));
    assert_eq!(asked.iter().take(2).collect::<Vec<_>>(), [b"one", b"two"]);
}

#[test]
fn a_connection_that_died_while_idle_costs_a_new_one() {
    let (_folder, here, _) = two();
    let asked = node(&here, &[&[Serve]]);
    let nodes = nodes(&[&here], Duration::ZERO);
    for message in [b"one", b"two"] {
        assert_eq!(exchange(&nodes, message), Ok(Reply::Done));
    }
    assert_eq!(asked.iter().take(2).collect::<Vec<_>>(), [b"one", b"two"]);
}

#[test]
fn while_none_serves_it_is_told_whether_any_was_reached() {
    let (_folder, nowhere, here) = two();
    let ask = |path| exchange(&nodes(&[path], Duration::ZERO), b"x");
    assert_eq!(ask(&nowhere), Err(Error::DeviceRemoved));
    let _asked = node(&here, &[&[]]);
    assert_eq!(ask(&here), Err(Error::DeviceError));
}

#[test]
fn a_node_that_comes_while_it_is_waited_for_is_found() {
    let (_folder, late, _) = two();
    let nodes = nodes(&[&late], LONG);
    std::thread::scope(|scope| {
        let exchanged = scope.spawn(|| exchange(&nodes, b"x"));
        let _asked = node(&late, &[&[Serve]]);
        assert_eq!(exchanged.join().unwrap(), Ok(Reply::Done));
    });
}

#[test]
fn a_node_that_can_not_serve_now_is_passed_over_with_the_same_request() {
    for refusal in [Error::DeviceRemoved, Error::DeviceError] {
        let (_folder, one, other) = two();
        let (refusing, serving) = (node(&one, &[&[Refuse(refusal)]]), node(&other, &[&[Serve, Serve]]));
        let nodes = nodes(&[&one, &other], Duration::ZERO);
        assert_eq!(exchange(&nodes, b"x"), Ok(Reply::Done));
        assert_eq!((refusing.recv(), serving.recv()), (Ok(b"x".to_vec()), Ok(b"x".to_vec())));
        assert_eq!(first(&nodes), 1, "it was tried first again");
        assert!(nodes.pool.take(0).is_some(), "the connection was not kept");
    }
}

#[test]
fn a_node_that_serves_again_while_it_is_waited_for_is_found() {
    let (_folder, here, _) = two();
    let asked = node(&here, &[&[Refuse(Error::DeviceRemoved), Refuse(Error::DeviceError), Serve]]);
    assert_eq!(exchange(&nodes(&[&here], LONG), b"x"), Ok(Reply::Done));
    assert_eq!(asked.iter().take(3).count(), 3, "each time over the connection that was there");
}

#[test]
fn if_no_node_can_serve_the_caller_gets_what_they_say() {
    for refusal in [Error::DeviceRemoved, Error::DeviceError] {
        let (_folder, nowhere, here) = two();
        let _asked = node(&here, &[&[Refuse(refusal)]]);
        assert_eq!(exchange(&nodes(&[&nowhere, &here], Duration::ZERO), b"x"), Err(refusal));
    }
}

#[test]
fn other_errors_are_the_callers() {
    let (_folder, one, other) = two();
    let _asked = node(&one, &[&[Refuse(Error::KeyHandleInvalid)]]);
    assert_eq!(exchange(&nodes(&[&one, &other], Duration::ZERO), b"x"), Err(Error::KeyHandleInvalid));
}

#[test]
fn a_paused_node_is_left_for_the_next_without_waiting_for_its_answer() {
    let (_folder, one, other) = two();
    // Connections queue, nobody takes them.
    let _paused = UnixListener::bind(&one).unwrap();
    let _asked = node(&other, &[&[Serve]]);
    // A healthy node may seem slow as well: then it is tried again.
    let nodes = impatient(&[&one, &other], Duration::from_millis(1), LONG);
    assert_eq!(exchange(&nodes, b"x"), Ok(Reply::Done));
}

#[test]
fn a_node_paused_during_a_call_is_left_for_the_next() {
    let (_folder, one, other) = two();
    let listener = UnixListener::bind(&one).unwrap();
    let _asked = node(&other, &[&[Serve]]);
    let nodes = impatient(&[&one, &other], Duration::from_millis(1), LONG);
    // It has taken this connection, and takes no other.
    let idle = nodes.connect(&nodes.settings.nodes[0], LONG).unwrap();
    let _taken = listener.accept().unwrap();
    nodes.pool.put(0, idle);
    assert_eq!(exchange(&nodes, b"x"), Ok(Reply::Done));
}

#[test]
fn a_node_that_works_long_is_waited_for_while_it_answers_pings() {
    let (_folder, here, _) = two();
    let asked = node(&here, &[&[AwaitPings(3)]]);
    assert_eq!(exchange(&impatient(&[&here], LONG, Duration::ZERO), b"x"), Ok(Reply::Done));
    assert_eq!(asked.iter().take(1).count(), 1);
    assert!(asked.try_recv().is_err(), "it was asked twice");
}

#[test]
fn a_node_that_only_answers_pings_is_given_up_in_the_end() {
    let (_folder, here, _) = two();
    let _asked = node(&here, &[&[Hang]]);
    let mut nodes = impatient(&[&here], LONG, Duration::ZERO);
    nodes.settings.request_timeout = Duration::from_millis(10);
    assert_eq!(exchange(&nodes, b"x"), Err(Error::DeviceError));
}

#[test]
fn a_node_that_failed_is_pinged_before_it_is_trusted_again() {
    let (_folder, here, _) = two();
    let nodes = nodes(&[&here], Duration::ZERO);
    assert_eq!(exchange(&nodes, b"x"), Err(Error::DeviceRemoved));
    // It answers this call only if it has been pinged.
    let _asked = node(&here, &[&[AwaitPings(1)]]);
    assert_eq!(exchange(&nodes, b"x"), Ok(Reply::Done));
}

#[test]
fn threads_are_spread_over_the_nodes() {
    let (_folder, one, other) = two();
    // Each node's call ends when the other node has one too.
    let barrier = Arc::new(std::sync::Barrier::new(2));
    for path in [&one, &other] {
        let (listener, barrier) = (UnixListener::bind(path).unwrap(), barrier.clone());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            frame::read(&mut stream).unwrap();
            barrier.wait();
            answer(&mut stream, Ok(Reply::Done)).unwrap();
        });
    }
    let nodes = nodes(&[&one, &other], Duration::ZERO);
    std::thread::scope(|scope| {
        let calls = [(); 2].map(|()| scope.spawn(|| exchange(&nodes, b"x")));
        for call in calls {
            assert_eq!(call.join().unwrap(), Ok(Reply::Done));
        }
    });
}

#[test]
fn no_connection_is_open_while_paused() {
    let (_folder, here, _) = two();
    let _asked = node(&here, &[&[Serve, Serve]]);
    let nodes = nodes(&[&here], Duration::ZERO);
    assert_eq!(exchange(&nodes, b"x"), Ok(Reply::Done));
    drop(nodes.pause());
    assert!(nodes.pool.take(0).is_none());
}

#[test]
fn one_line_tells_what_is_wrong_with_each_node() {
    let nodes = [NodeAddress::Unix("/a".into()), NodeAddress::Unix("/b".into())];
    let mut failures = Failures::new(2);
    failures.add(0, Failure::Away(ErrorKind::NotFound.into()));
    failures.add(1, Failure::Refused(Error::DeviceRemoved));
    let told = failures.told(&nodes);
    assert!(
        told.contains("unix:/a: can't be reached: ") && told.contains("unix:/b: can't serve now"),
        "{told}"
    );
}
