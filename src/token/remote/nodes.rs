//! The nodes, tried in turn: one that refuses or dies is passed over, and tried again later.

use super::connection::Connection;
use super::tls;
use crate::config::{ClusterSettings, NodeAddress};
use crate::error::{Error, Result};
use crate::logging;
use crate::proto::frame;
use crate::proto::message::Answer;
use once_cell::sync::OnceCell;
use openssl::ssl::SslConnector;
use parking_lot::Mutex;
use std::any::Any;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Idle connections kept at most, to all nodes together.
const MOST_IDLE: usize = 32;
/// How long a node that has failed is tried last.
const BANISHMENT: Duration = Duration::from_secs(5);
/// Between two rounds in which no node has served.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection and the node it leads to.
type Idle = (usize, Connection);

/// All nodes of a cluster, with the connections to them.
pub(super) struct Nodes {
    settings: ClusterSettings,
    /// Made at the first connection that needs it.
    connector: OnceCell<SslConnector>,
    /// The node that has served last; at first, each process has another.
    preferred: AtomicUsize,
    /// When each has failed last.
    failed: Mutex<Vec<Option<Instant>>>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// Why a node has not served.
struct Failure {
    /// Whether it was reached at all.
    reached: bool,
    why: io::Error,
}

impl Nodes {
    pub fn new(settings: ClusterSettings) -> Self {
        let nodes = settings.nodes.len();
        Nodes {
            connector: OnceCell::new(),
            preferred: AtomicUsize::new(std::process::id() as usize % nodes.max(1)),
            failed: Mutex::new(vec![None; nodes]),
            idle: Arc::default(),
            settings,
        }
    }

    /// The answer of whichever node gives one. `DeviceRemoved` if none could be reached, `DeviceError` if none of those reached has answered.
    pub fn exchange(&self, message: &[u8]) -> Result<Answer> {
        let header = frame::header(message)?;
        let began = Instant::now();
        let mut reached = false;
        loop {
            for node in self.order() {
                match self.try_node(node, header, message) {
                    Ok(answer) => {
                        self.note(node, None);
                        self.preferred.store(node, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(failure) => {
                        reached |= failure.reached;
                        self.note(node, Some(Instant::now()));
                        log::warn!("{}: {}", self.settings.nodes[node], failure.why);
                    }
                }
            }
            if began.elapsed() >= self.settings.retry {
                logging::error_once("no node serves; see the warnings, and `nodes` in the configuration");
                return Err(if reached { Error::DeviceError } else { Error::DeviceRemoved });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// All nodes: from the one that has served last, those that have failed lately at the end.
    fn order(&self) -> Vec<usize> {
        let count = self.settings.nodes.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut order: Vec<usize> = (0..count).map(|step| (first + step) % count).collect();
        let failed = self.failed.lock();
        order.sort_by_key(|node| failed[*node].is_some_and(|when| when.elapsed() < BANISHMENT));
        order
    }

    fn note(&self, node: usize, failed: Option<Instant>) {
        self.failed.lock()[node] = failed;
    }

    /// Over a connection from the pool; if that has died while it was idle, over a new one.
    fn try_node(
        &self,
        node: usize,
        header: [u8; frame::HEADER],
        message: &[u8],
    ) -> std::result::Result<Answer, Failure> {
        if let Some(idle) = self.take_idle(node) {
            match self.converse(node, idle, header, message) {
                Err(why) if !timed_out(&why) => self.idle.lock().retain(|(to, _)| *to != node),
                result => return result.map_err(|why| Failure { reached: true, why }),
            }
        }
        let new = self.connect(&self.settings.nodes[node]);
        let new = new.map_err(|why| Failure { reached: false, why })?;
        self.converse(node, new, header, message).map_err(|why| Failure { reached: true, why })
    }

    fn converse(
        &self,
        node: usize,
        mut connection: Connection,
        header: [u8; frame::HEADER],
        message: &[u8],
    ) -> io::Result<Answer> {
        let answer = connection.exchange(header, message)?;
        let answer = Answer::decode(&answer).ok_or(ErrorKind::InvalidData)?;
        let mut idle = self.idle.lock();
        if idle.len() < MOST_IDLE {
            idle.push((node, connection));
        }
        Ok(answer)
    }

    fn take_idle(&self, node: usize) -> Option<Connection> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|(to, _)| *to == node)?;
        Some(idle.swap_remove(at).1)
    }

    fn connect(&self, address: &NodeAddress) -> io::Result<Connection> {
        let ClusterSettings { connect_timeout, request_timeout, tls, .. } = &self.settings;
        let connected = match address {
            NodeAddress::Unix(path) => Connection::unix(path)?,
            NodeAddress::Tls { host, port } => {
                let files = tls.as_ref().ok_or(ErrorKind::InvalidInput)?;
                let connector = self.connector.get_or_try_init(|| tls::connector(files))?;
                Connection::tls(connector, host, *port, *connect_timeout)?
            }
        };
        connected.set_timeout(*request_timeout)?;
        Ok(connected)
    }

    /// Closes all idle connections, and keeps any from coming back until the answer is dropped.
    pub fn pause(&self) -> Box<dyn Any> {
        let mut idle = Mutex::lock_arc(&self.idle);
        idle.clear();
        Box::new(idle)
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::message::Reply;
    use std::os::unix::net::UnixListener;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, channel};

    /// A node that answers so many requests on each of its connections before it closes it; what it was asked.
    fn node(path: &Path, answers: Vec<usize>) -> Receiver<Vec<u8>> {
        let listener = UnixListener::bind(path).unwrap();
        let (told, asked) = channel();
        std::thread::spawn(move || {
            for count in answers {
                let (mut stream, _) = listener.accept().unwrap();
                for _ in 0..count {
                    let Ok(message) = frame::read(&mut stream) else { break };
                    told.send(message.to_vec()).unwrap();
                    let answer = Answer { seen: 0, result: Ok(Reply::Done) }.encode();
                    frame::write(&mut stream, frame::header(&answer).unwrap(), &answer).unwrap();
                }
            }
        });
        asked
    }

    fn nodes(paths: &[&PathBuf], retry: Duration) -> Nodes {
        let settings = ClusterSettings {
            nodes: paths.iter().map(|path| NodeAddress::Unix(path.to_path_buf())).collect(),
            tls: None,
            connect_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            retry,
        };
        let nodes = Nodes::new(settings);
        nodes.preferred.store(0, Ordering::Relaxed);
        nodes
    }

    #[test]
    fn a_node_that_is_not_there_is_passed_over_and_then_tried_last() {
        let folder = tempfile::tempdir().unwrap();
        let (nowhere, here) = (folder.path().join("nowhere"), folder.path().join("here"));
        let asked = node(&here, vec![2]);
        let nodes = nodes(&[&nowhere, &here], Duration::ZERO);
        assert!(nodes.exchange(b"one").is_ok());
        assert_eq!(nodes.order(), [1, 0]);
        assert!(nodes.exchange(b"two").is_ok());
        assert_eq!(asked.iter().take(2).collect::<Vec<_>>(), [b"one", b"two"]);
    }

    #[test]
    fn a_connection_that_died_while_idle_costs_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        let asked = node(&here, vec![1, 1, 1]);
        let nodes = nodes(&[&here], Duration::ZERO);
        for message in [b"one", b"two"] {
            assert!(nodes.exchange(message).is_ok());
        }
        assert_eq!(asked.iter().take(2).collect::<Vec<_>>(), [b"one", b"two"]);
    }

    #[test]
    fn while_none_serves_it_is_told_whether_any_was_reached() {
        let folder = tempfile::tempdir().unwrap();
        let (nowhere, here) = (folder.path().join("nowhere"), folder.path().join("here"));
        assert_eq!(nodes(&[&nowhere], Duration::ZERO).exchange(b"x").err(), Some(Error::DeviceRemoved));
        let _asked = node(&here, vec![0]);
        assert_eq!(nodes(&[&here], Duration::ZERO).exchange(b"x").err(), Some(Error::DeviceError));
    }

    #[test]
    fn a_node_that_comes_while_it_is_waited_for_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let nodes = nodes(&[&late], Duration::from_secs(60));
        std::thread::scope(|scope| {
            let exchanged = scope.spawn(|| nodes.exchange(b"x"));
            let _asked = node(&late, vec![1]);
            assert!(exchanged.join().unwrap().is_ok());
        });
    }

    #[test]
    fn no_connection_is_open_while_paused() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        let _asked = node(&here, vec![2]);
        let nodes = nodes(&[&here], Duration::ZERO);
        assert!(nodes.exchange(b"x").is_ok());
        assert_eq!(nodes.idle.lock().len(), 1);
        let paused = nodes.pause();
        assert!(nodes.idle.try_lock().is_none(), "a connection could come back");
        drop(paused);
        assert!(nodes.idle.lock().is_empty());
    }
}
