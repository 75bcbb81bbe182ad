//! The token whose keys are on a cluster of nodes. See `docs/wire.md`.
//!
//! No thread and nothing asynchronous: a call asks on its caller's thread, over a connection from the pool. Decisions that the attributes that
//! are no secret allow are made here, so that an operation is one round trip; the node makes them all again.

mod cache;
mod connection;
mod held;
mod keys;
mod link;
mod nodes;
mod tls;
mod token;

use crate::attribute::Bytes;
use crate::config::ClusterSettings;
use crate::error::{Error, Result};
use crate::proto::message::{Call, Made, Reply};
use crate::token::{Caller, ObjectRef};
use cache::Infos;
use held::{RemoteObject, ticket_of};
use link::Link;
use std::sync::Arc;

/// A token on a cluster.
pub struct RemoteToken {
    link: Arc<Link>,
    /// What is known of token objects, for deciding early.
    known: Arc<Infos>,
}

impl RemoteToken {
    /// The token of these nodes. Nothing is connected before it is needed.
    pub fn new(settings: ClusterSettings) -> Self {
        RemoteToken { link: Arc::new(Link::new(settings)), known: Arc::default() }
    }

    fn ask(&self, caller: Caller<'_>, call: Call) -> Result<Reply> {
        self.link.ask(sealed(caller)?, call).map(|(reply, _)| reply)
    }

    /// For calls that answer nothing but that they are done.
    fn tell(&self, caller: Caller<'_>, call: Call) -> Result<()> {
        match self.ask(caller, call)? {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// An object that a node has just made or changed, as the seam has it.
    fn taken(&self, made: Made) -> ObjectRef {
        RemoteObject::taken(made, &self.known)
    }
}

/// A caller's ticket as it travels.
fn sealed(caller: Caller<'_>) -> Result<Option<Bytes>> {
    caller.map(|ticket| Ok(ticket_of(ticket)?.sealed.clone())).transpose()
}

/// The answer was another call's.
fn unexpected() -> Error {
    log::error!("a node has answered another question than was asked: is it of another version?");
    Error::DeviceError
}
