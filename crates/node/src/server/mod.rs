//! The client socket: libraries ask, this node's token answers. See `docs/wire.md`.
//!
//! [`listen`] opens the socket, [`connection`] speaks with one client, [`service`] answers it, here or by the leader, [`asked`] does what it asks,
//! [`pace`] tells whether that is quick enough to be done at once,
//! [`recent`] sees to it that a call asked twice is done once, and [`changes`] tells clients what they should no longer believe. A node keeps nothing of a client: logins come along as tickets, session objects as capsules.

mod asked;
pub mod changes;
mod connection;
pub mod listen;
mod pace;
mod recent;
mod run;
pub mod service;
mod tickets;
pub mod tls;
pub(crate) mod turn;

use crate::metrics::Counters;
use crate::visitors::Greetings;
use connection::Limited;
use listen::Listener;
use service::Service;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What clients may take of a node.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; one more is closed at once.
    pub connections: usize,
    /// Calls at work at once; others wait for their turn.
    pub workers: usize,
    /// Bytes of messages at once; others wait to be read.
    pub memory: usize,
    /// For the TLS handshake and the first message.
    pub handshake: Duration,
    /// For the rest of a message that has begun, and for taking an answer.
    pub message: Duration,
    /// Between an answer and the next message.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Limits {
            connections: 1024,
            workers: 2 * processors,
            memory: 256 << 20,
            handshake: Duration::from_secs(10),
            message: Duration::from_secs(30),
            idle: Duration::from_secs(300),
        }
    }
}

/// How many may shake hands at once; one more takes the place of the one that has been at it longest.
pub(crate) const STRANGERS: usize = 256;

/// How long to wait after a connection could not be accepted: most often there are too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves clients until it is dropped, which closes all their connections. Connections and bytes are counted here, calls by `service`.
pub async fn serve(listener: Listener, service: Arc<Service>, limits: Limits, counters: Arc<Counters>) {
    let mut greetings = Greetings::new(STRANGERS);
    let limited = Arc::new(Limited::new(limits, counters.clone()));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) => greetings.begin(connection::greet(stream, limited.clone())),
                Err(error) => {
                    tracing::error!("no connection can be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            client = greetings.next() => {
                let Some(place) = limited.place() else {
                    counters.refused();
                    tracing::warn!("a connection was refused: there are too many");
                    continue;
                };
                let (service, limited, open) = (service.clone(), limited.clone(), counters.connected());
                connections.spawn(async move {
                    let _held = (place, open);
                    connection::attend(client, service, limited).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
