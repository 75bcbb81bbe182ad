//! The file `raft.db`: log entries by index, and a few facts (vote, last committed, last purged, whose log it is).

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LogError;
use crate::raft::encoding::{decode, encode};
use crate::raft::types::{Entry, LogId, NodeId, Vote};

/// The layout of the file; a higher one is refused.
const LAYOUT: i64 = 1;

/// How long to wait for a predecessor that is just letting go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// How many terms beyond a vote are promised with it: those of the next tries, should nobody win.
const AHEAD: u64 = 8;

/// Whose log this is; a node refuses the log of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Owner {
    /// The node's id.
    pub node: NodeId,
    /// SHA-256 of the certificate of the cluster's CA.
    pub cluster: [u8; 32],
}

/// The open file. It belongs to one thread, which runs every call inside [`LogFile::begin`] and [`LogFile::commit`].
pub(super) struct LogFile {
    connection: Connection,
    node: NodeId,
    /// The last committed entry, not yet written: it rides along with the next write, as losing it costs nothing.
    committed: RefCell<Option<LogId>>,
    /// The last vote given; `None`: it is the one in the file.
    given: Cell<Option<Vote>>,
    /// Whether that is a leader's and not yet written: it rides along, too.
    is_due: Cell<bool>,
    /// The file promises that no vote below this term will be given any more: those that are, are safe.
    promised: Cell<u64>,
    wrote: Cell<bool>,
}

impl LogFile {
    /// Opens the log in `path`, or makes it, for `owner` alone: no other process may have it open.
    /// Answers too whether it was made just now.
    pub(super) fn open(path: &Path, owner: Owner) -> Result<(LogFile, bool), LogError> {
        let connection = Connection::open(path).map_err(|error| opening(path, error))?;
        lock(&connection).map_err(|error| opening(path, error))?;
        let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if layout > LAYOUT {
            return Err(LogError::Newer(path.to_owned()));
        }
        make_tables(&connection)?;
        let file = LogFile {
            connection,
            node: owner.node,
            committed: RefCell::default(),
            given: Cell::default(),
            is_due: Cell::default(),
            promised: Cell::default(),
            wrote: Cell::default(),
        };
        let found = file.fact::<Owner>("owner")?;
        let is_new = found.is_none();
        match found {
            Some(found) if found.cluster != owner.cluster => {
                return Err(LogError::OtherCluster(path.to_owned()));
            }
            Some(found) if found.node != owner.node => {
                return Err(LogError::OtherNode { path: path.to_owned(), node: found.node });
            }
            Some(_) => {}
            None => file.set_fact("owner", &owner)?,
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(LogError::Folder)?;
        Ok((file, is_new))
    }

    pub(super) fn begin(&self) -> Result<(), LogError> {
        self.wrote.set(false);
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    /// Makes everything since [`Self::begin`] durable.
    pub(super) fn commit(&self) -> Result<(), LogError> {
        if self.wrote.get()
            && let Some(committed) = self.committed.borrow_mut().take()
        {
            self.set_fact("committed", &committed)?;
        }
        if self.wrote.get()
            && self.is_due.take()
            && let Some(vote) = self.given.get()
        {
            self.set_fact("vote", &vote)?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Writes what was only remembered; for a log that is closed in peace.
    pub(super) fn settle(&self) -> Result<(), LogError> {
        self.begin()?;
        self.wrote.set(true);
        self.commit()
    }

    pub(super) fn append(&self, entries: &[Entry]) -> Result<(), LogError> {
        self.wrote.set(true);
        let mut insert =
            self.connection.prepare_cached("INSERT INTO entries (position, entry) VALUES (?1, ?2)")?;
        for entry in entries {
            insert.execute(params![position(entry.log_id.index)?, encode(entry).as_slice()])?;
        }
        Ok(())
    }

    /// Removes the entries from `from` on, itself included.
    pub(super) fn truncate(&self, from: u64) -> Result<(), LogError> {
        self.wrote.set(true);
        self.connection.execute("DELETE FROM entries WHERE position >= ?1", [position(from)?])?;
        Ok(())
    }

    /// Removes the entries up to `upto`, itself included, and remembers that position.
    pub(super) fn purge(&self, upto: LogId) -> Result<(), LogError> {
        self.connection.execute("DELETE FROM entries WHERE position <= ?1", [position(upto.index)?])?;
        self.set_fact("purged", &upto)
    }

    pub(super) fn purged(&self) -> Result<Option<LogId>, LogError> {
        self.fact("purged")
    }

    /// The last entry's position in the log.
    pub(super) fn last(&self) -> Result<Option<LogId>, LogError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT entry FROM entries ORDER BY position DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        bytes.map(|bytes| Ok(decode::<Entry>(&bytes)?.log_id)).transpose()
    }

    /// Entries `[from, until)` that are there, in order; stops after the entry that brings them to `most` bytes.
    pub(super) fn entries(&self, from: u64, until: u64, most: usize) -> Result<Vec<Entry>, LogError> {
        let mut select = self.connection.prepare_cached(
            "SELECT entry FROM entries WHERE position >= ?1 AND position < ?2 ORDER BY position",
        )?;
        let mut rows = select.query([clamped(from), clamped(until)])?;
        let (mut entries, mut size) = (Vec::new(), 0usize);
        while size < most
            && let Some(row) = rows.next()?
        {
            let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            size = size.saturating_add(bytes.len());
            entries.push(decode(bytes)?);
        }
        Ok(entries)
    }

    /// Gives a vote to a candidate, and promises the next terms along with it: what is written is a vote for this node in a term that it has not
    /// come to. After a restart it gives none in the terms between, whoever asks, and until then further tries cost no wait for the disk: on one
    /// that takes longer than an election, none would ever be won.
    pub(super) fn give_vote(&self, vote: Vote) -> Result<(), LogError> {
        self.given.set(Some(vote));
        self.is_due.set(false);
        let term = vote.leader_id().term;
        if term < self.promised.get() {
            return Ok(());
        }
        let promised = term.saturating_add(AHEAD);
        self.set_fact("vote", &Vote::new(promised, self.node))?;
        self.promised.set(promised);
        Ok(())
    }

    /// Follows the leader that has won, as itself or another: written along with the next entry. Whoever elected it has promised that before, and
    /// what is written for a leader comes with its vote; so a node that forgets it has acknowledged nothing by which that leader could commit: only heartbeats,
    /// and copies of what was committed. An older leader that it hears again finds no majority, since those who voted are bound by what they promised.
    pub(super) fn follow(&self, vote: Vote) {
        self.given.set(Some(vote));
        self.is_due.set(true);
        self.promised.set(0);
    }

    /// Writes a vote as it is, with nothing promised beyond it.
    pub(super) fn set_vote(&self, vote: &Vote) -> Result<(), LogError> {
        self.set_fact("vote", vote)
    }

    /// The last vote given, or promised before this process began.
    pub(super) fn vote(&self) -> Result<Option<Vote>, LogError> {
        match self.given.get() {
            Some(given) => Ok(Some(given)),
            None => self.fact("vote"),
        }
    }

    pub(super) fn set_committed(&self, committed: Option<LogId>) {
        *self.committed.borrow_mut() = committed;
    }

    pub(super) fn committed(&self) -> Result<Option<LogId>, LogError> {
        match *self.committed.borrow() {
            Some(committed) => Ok(Some(committed)),
            None => self.fact("committed"),
        }
    }

    fn set_fact<T: Serialize>(&self, name: &str, value: &T) -> Result<(), LogError> {
        self.wrote.set(true);
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)")?
            .execute(params![name, encode(value).as_slice()])?;
        Ok(())
    }

    fn fact<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LogError> {
        let bytes: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT value FROM facts WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        bytes.map(|bytes| Ok(decode(&bytes)?)).transpose()
    }
}

/// Takes the file for this connection alone.
fn lock(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_PATIENCE)?;
    // EXCLUSIVE before WAL: the lock is held until the file is closed, and no shared memory is needed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")
}

fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS entries (position INTEGER PRIMARY KEY, entry BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
         PRAGMA user_version = {LAYOUT};
         COMMIT;"
    ))
}

fn opening(path: &Path, error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LogError::InUse(PathBuf::from(path)),
        _ => LogError::Open { path: path.to_owned(), error },
    }
}

/// SQLite's integers are signed; no log gets that long.
fn position(index: u64) -> Result<i64, LogError> {
    i64::try_from(index).map_err(|_| LogError::Position(index))
}

/// The bound of a range, which may be as high as it likes.
fn clamped(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
