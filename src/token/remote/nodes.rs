//! The nodes: a call goes to the one that stands best, and to the next if that one can't serve, dies, or falls silent.

use super::connection::{Connection, Framed};
use super::patient::{Stalled, is_timeout};
use super::pool::Pool;
use super::standing::{Standings, Turn};
use super::tls;
use crate::config::{ClusterSettings, NodeAddress};
use crate::error::{Error, Result};
use crate::logging;
use crate::proto::message::{Answer, Request};
use once_cell::sync::OnceCell;
use openssl::ssl::SslConnector;
use std::any::Any;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// Between two rounds in which no node has served.
const PAUSE: Duration = Duration::from_millis(50);

/// All nodes of a cluster, with the connections to them.
pub(super) struct Nodes {
    settings: ClusterSettings,
    /// Made at the first connection that needs it.
    connector: OnceCell<SslConnector>,
    standings: Standings,
    pool: Pool,
    /// How long nothing may move on a connection before it is asked why.
    tick: Duration,
}

/// Why a node has not served.
enum Failure {
    /// It was not reached at all.
    Away(io::Error),
    /// It was, and has not answered.
    Silent(io::Error),
    /// It has answered that it can't serve now.
    Refused(Error),
}

/// Why no node has served, so far.
struct Failures {
    /// The last of each node.
    last: Vec<Option<Failure>>,
    /// Whether any was ever reached.
    reached: bool,
}

impl Nodes {
    pub fn new(settings: ClusterSettings) -> Self {
        let nodes = settings.nodes.len();
        Nodes {
            connector: OnceCell::new(),
            standings: Standings::drawn(nodes),
            pool: Pool::new(nodes),
            tick: settings.probe.min(settings.request_timeout),
            settings,
        }
    }

    /// The answer of whichever node gives one. If none does: what a node said that can't serve now; `DeviceError` if some were reached but none
    /// has answered, `DeviceRemoved` if none could be reached.
    pub fn exchange(&self, message: &[u8]) -> Result<Answer> {
        let message = Framed::new(message)?;
        let began = Instant::now();
        let mut failures = Failures::new(self.settings.nodes.len());
        loop {
            let mut tried = vec![false; self.settings.nodes.len()];
            while let Some(turn) = self.standings.choose(&tried) {
                tried[turn.node] = true;
                match self.try_node(&turn, &message) {
                    Ok(answer) => {
                        turn.served();
                        return Ok(answer);
                    }
                    Err(failure) => {
                        self.note(&turn, &failure);
                        failures.add(turn.node, failure);
                    }
                }
            }
            if began.elapsed() >= self.settings.retry || failures.is_final() {
                logging::error_once(&failures.told(&self.settings.nodes));
                return Err(failures.error());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Whoever failed is tried later, and that is told once.
    fn note(&self, turn: &Turn<'_>, failure: &Failure) {
        let is_news = match failure {
            Failure::Refused(_) => turn.refused(),
            Failure::Away(_) | Failure::Silent(_) => {
                // They may be as dead, and each would cost a wait.
                self.pool.clear(turn.node);
                turn.failed()
            }
        };
        if is_news {
            log::warn!("{}: {failure}", self.settings.nodes[turn.node]);
        }
    }

    fn try_node(&self, turn: &Turn<'_>, message: &Framed) -> std::result::Result<Answer, Failure> {
        if turn.unsure {
            self.ping(turn)?;
        }
        let began = Instant::now();
        let mut stalled = || {
            within(began, self.settings.request_timeout)?;
            // As a timeout, whatever it was: this connection was not merely idle for too long.
            let gone = |failure| {
                let why = format!("nothing comes, and when pinged it {failure}");
                io::Error::new(ErrorKind::TimedOut, why)
            };
            self.ping(turn).map_err(gone)
        };
        let (answer, _) = self.ask(turn.node, self.settings.connect_timeout, message, &mut stalled)?;
        match answer.result {
            // The last: no majority is in reach of it, which may be true of this node alone.
            Err(refused @ (Error::DeviceRemoved | Error::DeviceError | Error::TokenWriteProtected)) => {
                Err(Failure::Refused(refused))
            }
            _ => Ok(answer),
        }
    }

    /// Whether a node is there; and how far away.
    fn ping(&self, turn: &Turn<'_>) -> std::result::Result<(), Failure> {
        let ClusterSettings { connect_timeout, probe, .. } = self.settings;
        let broken = |error: Error| Failure::Silent(io::Error::other(error.name()));
        let message = Request::ping().map_err(broken)?;
        let message = Framed::new(&message).map_err(broken)?;
        let began = Instant::now();
        let mut stalled = || within(began, probe);
        let (_, time) = self.ask(turn.node, probe.min(connect_timeout), &message, &mut stalled)?;
        turn.measured(time);
        Ok(())
    }

    /// Over a connection from the pool; if that has died while it was idle, over a new one. The answer, and how long it took.
    fn ask(
        &self,
        node: usize,
        connect_timeout: Duration,
        message: &Framed,
        stalled: Stalled<'_>,
    ) -> std::result::Result<(Answer, Duration), Failure> {
        if let Some(idle) = self.pool.take(node) {
            match self.converse(node, idle, message, stalled) {
                Err(why) if !is_timeout(&why) => self.pool.clear(node),
                result => return result.map_err(Failure::Silent),
            }
        }
        let new = self.connect(&self.settings.nodes[node], connect_timeout).map_err(Failure::Away)?;
        self.converse(node, new, message, stalled).map_err(Failure::Silent)
    }

    fn converse(
        &self,
        node: usize,
        mut connection: Connection,
        message: &Framed,
        stalled: Stalled<'_>,
    ) -> io::Result<(Answer, Duration)> {
        let began = Instant::now();
        let answer = connection.exchange(message, stalled)?;
        let answer = Answer::decode(&answer).ok_or(ErrorKind::InvalidData)?;
        self.pool.put(node, connection);
        Ok((answer, began.elapsed()))
    }

    fn connect(&self, address: &NodeAddress, timeout: Duration) -> io::Result<Connection> {
        let connected = match address {
            NodeAddress::Unix(path) => Connection::unix(path, timeout)?,
            NodeAddress::Tls { host, port } => {
                let files = self.settings.tls.as_ref().ok_or(ErrorKind::InvalidInput)?;
                let connector = self.connector.get_or_try_init(|| tls::connector(files))?;
                Connection::tls(connector, host, *port, timeout)?
            }
        };
        connected.set_timeout(self.tick)?;
        Ok(connected)
    }

    /// Closes all idle connections, and keeps any from coming back until the answer is dropped.
    pub fn pause(&self) -> Box<dyn Any> {
        self.pool.pause()
    }
}

/// `TimedOut` if it has begun too long ago.
fn within(began: Instant, limit: Duration) -> io::Result<()> {
    if began.elapsed() < limit { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
}

impl Failures {
    fn new(nodes: usize) -> Self {
        Failures { last: (0..nodes).map(|_| None).collect(), reached: false }
    }

    fn add(&mut self, node: usize, failure: Failure) {
        self.reached |= !matches!(failure, Failure::Away(_));
        self.last[node] = Some(failure);
    }

    /// Whether waiting would help nobody: a node that serves has said that nothing can be changed, and none has done better.
    fn is_final(&self) -> bool {
        let write_protected =
            |failure: &Failure| matches!(failure, Failure::Refused(Error::TokenWriteProtected));
        self.last.iter().flatten().any(write_protected)
    }

    fn error(&self) -> Error {
        if self.is_final() {
            return Error::TokenWriteProtected;
        }
        let refused = self.last.iter().flatten().find_map(|failure| match failure {
            Failure::Refused(error) => Some(*error),
            _ => None,
        });
        refused.unwrap_or(if self.reached { Error::DeviceError } else { Error::DeviceRemoved })
    }

    fn told(&self, nodes: &[NodeAddress]) -> String {
        let told = |(node, failure): (&NodeAddress, &Option<Failure>)| {
            failure.as_ref().map(|failure| format!("{node}: {failure}"))
        };
        let reasons: Vec<String> = nodes.iter().zip(&self.last).filter_map(told).collect();
        format!("no node serves: {}", reasons.join("; "))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Away(why) => write!(f, "can't be reached: {why}"),
            Failure::Silent(why) => write!(f, "does not answer: {why}"),
            Failure::Refused(error) => write!(f, "can't serve now ({})", error.name()),
        }
    }
}

#[cfg(test)]
mod tests;
