//! The token whose keys are on a cluster of nodes. See `docs/wire.md`.
//!
//! No thread and nothing asynchronous: a call asks on its caller's thread, over a connection from the pool. Decisions that the attributes that
//! are no secret allow are made here, so that an operation is one round trip; the node makes them all again.

mod cache;
mod chained;
mod connection;
mod held;
mod keys;
mod link;
mod nodes;
mod patient;
mod pool;
mod standing;
#[cfg(test)]
mod tests;
mod tls;
mod token;

use crate::attribute::Bytes;
use crate::config::ClusterSettings;
use crate::error::{Error, Result};
use crate::proto::message::{Call, Made, Reply};
use crate::token::{Caller, ObjectRef};
use held::{Login, RemoteObject, ticket_of};
use link::Link;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A token on a cluster.
pub struct RemoteToken {
    link: Arc<Link>,
    /// Whether there was no token when this process looked last.
    seen_free: AtomicBool,
}

impl RemoteToken {
    /// The token of these nodes. Nothing is connected before it is needed.
    pub fn new(settings: ClusterSettings) -> Self {
        RemoteToken { link: Arc::new(Link::new(settings)), seen_free: AtomicBool::new(false) }
    }

    fn ask(&self, caller: Caller<'_>, call: Call) -> Result<Reply> {
        self.ask_seeing(caller, call).map(|(reply, _)| reply)
    }

    /// The reply, and the log index it was given at.
    fn ask_seeing(&self, caller: Caller<'_>, call: Call) -> Result<(Reply, u64)> {
        self.link.ask(self.sealed(caller)?, call)
    }

    /// For calls that answer nothing but that they are done.
    fn tell(&self, caller: Caller<'_>, call: Call) -> Result<()> {
        match self.ask(caller, call)? {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// For calls that make an object.
    fn take(&self, caller: Caller<'_>, call: Call) -> Result<ObjectRef> {
        let (Reply::Made(made), seen) = self.ask_seeing(caller, call)? else { return Err(unexpected()) };
        Ok(self.taken(made, seen))
    }

    /// An object that a node has just made or changed, as the seam has it.
    fn taken(&self, made: Made, seen: u64) -> ObjectRef {
        RemoteObject::taken(made, &self.link.known, seen)
    }

    /// A caller's ticket as it travels, renewed in time.
    fn sealed(&self, caller: Caller<'_>) -> Result<Option<Bytes>> {
        caller.map(|ticket| Ok(ticket_of(ticket)?.sealed(|old| self.renew(old)))).transpose()
    }

    fn renew(&self, old: Bytes) -> Result<Login> {
        match self.link.ask(Some(old), Call::Renew)? {
            (Reply::Ticket { sealed, lifetime }, _) => Ok(Login::new(sealed, lifetime)),
            _ => Err(unexpected()),
        }
    }
}

/// The answer was another call's.
fn unexpected() -> Error {
    log::error!("a node has answered another question than was asked: is it of another version?");
    Error::DeviceError
}
