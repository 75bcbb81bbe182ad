//! A store that is one of several: nothing is written to it but what all have agreed on.
//!
//! A change is drafted in a transaction that is taken back, and travels as the statements it consists of, rows sealed, with the number of the state
//! it was drafted on. [`apply`] makes it, on every node in the same order and with the position in the log in the same transaction, if that state is still
//! the present one; a change drafted on another is stale, makes nothing anywhere, and is drafted anew by whoever wanted it. So no key, no random number and no
//! clock is needed where changes are applied.
//!
//! - [`draft`]: changes drafted, several at a time
//! - [`apply`]: changes made
//! - [`copy`]: the whole store copied, and replaced by a copy
//! - [`memory`]: what is remembered beside the token: requests, confirmations used, ids of nodes

mod apply;
mod copy;
mod draft;
mod memory;

pub use apply::{Effect, Verdict};
pub use memory::Remembered;

use super::connection::Database;
use super::error::{Error, Fault, Result, Step};
use super::schema::Format;
use super::settle::Log;
use super::writer::Change;
use super::{Store, connection, counter, schema};
use crate::codec::Codec;
use draft::Desk;
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

/// Most bytes of one command.
pub const LONGEST_COMMAND: usize = 1 << 20;

/// Version 1 of the commands.
const COMMANDS: Codec = Codec::new(1, LONGEST_COMMAND as u64 - 1);

/// How the stores agree.
pub trait Consensus: Send + Sync {
    /// Has every store apply `command`, and waits until this one has; the verdict that [`Store::apply`] gave. An error says why nobody
    /// knows whether it is or will be applied.
    fn agree(&self, command: Vec<u8>) -> std::result::Result<Verdict, String>;

    /// The calling thread is about to wait for others: it may take long, and costs no processor.
    fn about_to_wait(&self) {}
}

/// Changes, all made or none, and the state they were drafted on.
#[derive(Serialize, Deserialize)]
struct Command {
    base: i64,
    changes: Vec<Change>,
}

/// What makes a store one of several.
pub(super) struct Replica {
    consensus: OnceLock<Arc<dyn Consensus>>,
    desk: Mutex<Desk>,
    /// Of this node's own file.
    format: Format,
    /// SQLite's log, which was empty when this was opened: it is told of each failure of the disk since.
    pub(super) log: Arc<Log>,
    /// The desk has become free.
    freed: Condvar,
    /// Drafts on their way to the desk.
    coming: AtomicUsize,
}

impl Replica {
    fn new(connection: Connection, format: Format, log: Arc<Log>) -> Replica {
        Replica {
            consensus: OnceLock::new(),
            desk: Mutex::new(Desk::new(connection)),
            format,
            log,
            freed: Condvar::new(),
            coming: AtomicUsize::new(0),
        }
    }
}

impl Store {
    /// Opens the store in `folder` as one of a cluster's, and makes it, without a token yet, if there is none. A store that was made for one
    /// machine is `Unreachable`. No other process may use it.
    pub fn open_replica(folder: &Path) -> Result<Store> {
        connection::make_folder(folder)?;
        let mut database = Database::new(folder);
        let _one_at_a_time =
            counter::lock(folder).map_err(|error| Error::from_io(&connection::path(folder), &error))?;
        connection::make_file(folder)?;
        let content = database.content()?;
        // A copy of a store has no log yet.
        database.prepare()?;
        if content == schema::Content::Nothing {
            database.write(|writer| {
                schema::create(writer, Format::NEWEST)?;
                schema::create_replica(writer)
            })?;
        }
        if !database.peek(schema::is_replica)? {
            let why = "it is the store of one machine, not of a cluster's node; choose another folder";
            return Err(Error::Unreachable(database.path().to_path_buf(), why.to_owned()));
        }
        let log = database.renew_log()?;
        let (connection, format) = (database.connect()?, database.format()?);
        // What is applied here is in the log already, durably, and applied again if it is lost: nobody waits for this disk.
        database.replica = Some(Replica::new(connection, format, log));
        Ok(Store::on(database))
    }

    /// Says how the stores agree; until then nothing can be written. Once only.
    pub fn agree_by(&self, consensus: Arc<dyn Consensus>) {
        if let Some(replica) = &self.database.replica {
            // A second way to agree would be a bug of the node's; the first one stays.
            let _ = replica.consensus.set(consensus);
        }
    }

    /// Whether there is a token, or only room for one.
    pub fn has_token(&self) -> Result<bool> {
        self.database.peek(super::meta::exists)
    }

    fn replica(&self) -> Result<&Replica> {
        let why =
            || Error::Unreachable(self.database.path().to_path_buf(), "it is not replicated".to_owned());
        self.database.replica.as_ref().ok_or_else(why)
    }
}

/// The number of the present state, in the caller's transaction.
fn sequence(connection: &Connection) -> Step<i64> {
    Ok(connection.prepare_cached("SELECT sequence FROM replica")?.query_row((), |row| row.get(0))?)
}

/// A command that is too long for the log is told as one that is too large to be kept.
fn encode(command: &Command) -> Step<Vec<u8>> {
    Ok(COMMANDS.encode(command).map_err(|_| Fault::Told(Error::TooLarge))?.to_vec())
}

#[cfg(test)]
impl Replica {
    /// How many are on their way to the desk.
    pub(super) fn coming(&self) -> usize {
        self.coming.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Whether a command is on its way.
    pub(super) fn has_sent(&self) -> bool {
        self.desk.lock().is_sent()
    }
}
