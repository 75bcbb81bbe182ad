//! What a node counts while it works: a few atomics, shared by all who count.

use super::rate::Rate;
use cloister::error::{Error, Result};
use cloister::proto::message::Call;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Upper bounds of the times that calls take, in seconds: from a cached read to the making of a long RSA key.
const BOUNDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Why a client's connection was closed by the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It took too long over the handshake, a message or an answer.
    Slow,
    /// It sent what is no frame or no request.
    Malformed,
    /// The handshake, the connection or the call broke down.
    Failed,
}

impl Dropped {
    fn name(self) -> &'static str {
        match self {
            Dropped::Slow => "slow",
            Dropped::Malformed => "malformed",
            Dropped::Failed => "failed",
        }
    }
}

/// What a node has done since it started.
#[derive(Debug)]
pub struct Counters {
    calls: Family<Labels<2>, Counter>,
    times: Family<Labels<1>, Histogram, fn() -> Histogram>,
    logins: Family<Labels<1>, Counter>,
    operations: Counter,
    rate: Rate,
    open: Gauge<u64, AtomicU64>,
    accepted: Counter,
    refused: Counter,
    dropped: Family<Labels<1>, Counter>,
    received: Counter,
    sent: Counter,
    forwarded: Counter,
    proposals: Counter,
}

impl Default for Counters {
    fn default() -> Self {
        let times: fn() -> Histogram = || Histogram::new(BOUNDS);
        Counters {
            calls: Family::default(),
            times: Family::new_with_constructor(times),
            logins: Family::default(),
            operations: Counter::default(),
            rate: Rate::default(),
            open: Gauge::default(),
            accepted: Counter::default(),
            refused: Counter::default(),
            dropped: Family::default(),
            received: Counter::default(),
            sent: Counter::default(),
            forwarded: Counter::default(),
            proposals: Counter::default(),
        }
    }
}

impl Counters {
    /// A call of a client was answered, `elapsed` after it began.
    pub fn answered<T>(&self, call: &Call, result: &Result<T>, elapsed: Duration) {
        self.calls.get_or_create(&[("call", call.name()), ("outcome", outcome(result))]).inc();
        self.times.get_or_create(&[("class", class(call))]).observe(elapsed.as_secs_f64());
        if let (Call::Login { .. } | Call::Confirm { .. }, Some(pin)) = (call, pin(result)) {
            self.logins.get_or_create(&[("pin", pin)]).inc();
        }
        self.operations.inc();
        self.rate.count();
    }

    /// A call was passed on to the leader.
    pub fn forwarded(&self) {
        self.forwarded.inc();
    }

    /// A change was proposed to the cluster.
    pub fn proposed(&self) {
        self.proposals.inc();
    }

    /// A client has connected; it counts as connected until the answer is dropped.
    pub fn connected(self: &Arc<Self>) -> Connected {
        self.accepted.inc();
        self.open.inc();
        Connected(self.clone())
    }

    /// A client was turned away: there are too many.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// A client's connection was closed by this node.
    pub fn dropped(&self, why: Dropped) {
        self.dropped.get_or_create(&[("reason", why.name())]).inc();
    }

    /// So many bytes came from a client.
    pub fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    /// So many bytes went to a client.
    pub fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }

    /// Clients connected now.
    pub fn connections(&self) -> u64 {
        self.open.get()
    }

    /// Calls answered since the start.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    /// Calls answered a second, over the last ten seconds.
    pub fn operations_per_second(&self) -> f64 {
        self.rate.per_second()
    }

    /// Has all this told with the rest; what a node reports of itself is not among it.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("calls", "Calls of clients answered, by outcome", self.calls.clone());
        registry.register("call_seconds", "Time from a call to its answer", self.times.clone());
        registry.register("logins", "PINs checked for a login, right and wrong", self.logins.clone());
        registry.register(
            "client_connections_dropped",
            "Connections of clients that the node closed",
            self.dropped.clone(),
        );
        for (name, help, counter) in [
            ("client_connections_accepted", "Connections of clients accepted", &self.accepted),
            ("client_connections_refused", "Connections of clients refused: too many", &self.refused),
            ("client_received_bytes", "Bytes of messages from clients", &self.received),
            ("client_sent_bytes", "Bytes of messages to clients", &self.sent),
            ("forwarded_calls", "Calls passed on to the leader", &self.forwarded),
            ("proposals", "Changes proposed to the cluster", &self.proposals),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

/// A client's connection, for as long as it is open.
#[derive(Debug)]
pub struct Connected(Arc<Counters>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}

fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        // A node that answers so sends the library to the next.
        Err(Error::DeviceRemoved | Error::DeviceError) => "not_served",
        Err(_) => "refused",
    }
}

fn pin<T>(result: &Result<T>) -> Option<&'static str> {
    match result {
        Ok(_) => Some("right"),
        Err(Error::PinIncorrect | Error::PinLocked) => Some("wrong"),
        Err(_) => None,
    }
}

/// Calls that take about as long.
fn class(call: &Call) -> &'static str {
    match call {
        Call::Run { .. }
        | Call::SignDigest { .. }
        | Call::Wrap { .. }
        | Call::Random { .. }
        | Call::Seed { .. } => "use",
        Call::Make { .. } | Call::MakePair { .. } | Call::Derive { .. } | Call::Encapsulate { .. } => "make",
        Call::Initialize { .. }
        | Call::InitializeFirst { .. }
        | Call::Login { .. }
        | Call::Confirm { .. }
        | Call::InitPin { .. }
        | Call::SetPin { .. }
        | Call::CreateUser { .. }
        | Call::DeleteUser { .. }
        | Call::UnlockUser { .. }
        | Call::Set { .. }
        | Call::Destroy { .. } => "manage",
        Call::Ping
        | Call::Renew
        | Call::Info
        | Call::IsInitialized
        | Call::Holds
        | Call::Users
        | Call::Find { .. }
        | Call::InfoOf { .. }
        | Call::Reveal { .. }
        | Call::SizeOf { .. } => "read",
    }
}
