//! The machine of the tests: keys and values in SQLite, one transaction for each call.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::watch;

use crate::raft::machine::{Machine, MachineError};
use crate::raft::types::{Applied, Committed, NodeId};

pub(super) struct KeyValue {
    connection: Mutex<Connection>,
    /// Held by a test that wants [`Machine::apply`] to wait.
    pub(super) gate: Mutex<()>,
    /// How many copies were made for snapshots.
    copies: watch::Sender<usize>,
    /// Held by a test that wants a snapshot to take its time, after the copy was made.
    pub(super) copied: Mutex<()>,
    /// Who was removed, as far as the test says.
    pub(super) removed: Mutex<Vec<NodeId>>,
}

/// A command that no machine of the tests can store.
pub(super) const POISON: &str = "poison=1";

fn failed(error: rusqlite::Error) -> MachineError {
    MachineError::Storage(error.to_string())
}

impl KeyValue {
    pub(super) fn open(path: &Path) -> KeyValue {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "FULL").unwrap();
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS applied (one INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
            )
            .unwrap();
        KeyValue {
            connection: Mutex::new(connection),
            gate: Mutex::default(),
            copies: watch::Sender::new(0),
            copied: Mutex::default(),
            removed: Mutex::default(),
        }
    }

    /// Returns when so many copies were made.
    pub(super) async fn wait_for_copies(&self, number: usize) {
        let mut copies = self.copies.subscribe();
        copies.wait_for(|copies| *copies >= number).await.unwrap();
    }

    pub(super) fn get(&self, key: &str) -> Option<String> {
        let connection = self.connection.lock();
        let value = connection.query_row("SELECT value FROM pairs WHERE key = ?1", [key], |row| row.get(0));
        value.optional().unwrap()
    }

    pub(super) fn all(&self) -> Vec<(String, String)> {
        let connection = self.connection.lock();
        let mut pairs = connection.prepare("SELECT key, value FROM pairs ORDER BY key").unwrap();
        let pairs = pairs.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        pairs.map(Result::unwrap).collect()
    }
}

fn read_applied(connection: &Connection) -> rusqlite::Result<Applied> {
    let bytes: Option<Vec<u8>> =
        connection.query_row("SELECT bytes FROM applied", [], |row| row.get(0)).optional()?;
    Ok(bytes.map_or_else(Applied::default, |bytes| Applied::from_bytes(&bytes).unwrap()))
}

fn write_applied(connection: &Connection, applied: &Applied) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO applied VALUES (1, ?1)", [applied.to_bytes()]).map(|_| ())
}

/// `key=value` sets, and answers what was there before.
fn set(connection: &Connection, command: &[u8]) -> rusqlite::Result<Vec<u8>> {
    let (key, value) = std::str::from_utf8(command).unwrap().split_once('=').unwrap();
    let before: Option<String> =
        connection.query_row("SELECT value FROM pairs WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    connection.execute("INSERT OR REPLACE INTO pairs VALUES (?1, ?2)", params![key, value])?;
    Ok(before.unwrap_or_default().into_bytes())
}

impl Machine for KeyValue {
    fn applied(&self) -> Result<Applied, MachineError> {
        read_applied(&self.connection.lock()).map_err(failed)
    }

    fn apply(&self, entries: &[Committed]) -> Result<Vec<Vec<u8>>, MachineError> {
        let _gate = self.gate.lock();
        let mut connection = self.connection.lock();
        let transaction = connection.transaction().map_err(failed)?;
        let mut applied = read_applied(&transaction).map_err(failed)?;
        let mut answers = Vec::new();
        for entry in entries {
            applied.advance(entry);
            answers.push(match &entry.command {
                Some(command) if command == POISON.as_bytes() => {
                    return Err(MachineError::Storage("the disk is full".to_owned()));
                }
                Some(command) => set(&transaction, command).map_err(failed)?,
                None => Vec::new(),
            });
        }
        write_applied(&transaction, &applied).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(answers)
    }

    fn snapshot(&self, into: &Path) -> Result<Applied, MachineError> {
        let connection = self.connection.lock();
        connection.execute("VACUUM INTO ?1", [into.to_str().unwrap()]).map_err(failed)?;
        let applied = read_applied(&connection).map_err(failed)?;
        drop(connection);
        self.copies.send_modify(|copies| *copies += 1);
        let _copied = self.copied.lock();
        Ok(applied)
    }

    fn install(&self, from: &Path, applied: &Applied) -> Result<(), MachineError> {
        let copy = Connection::open(from).map_err(failed)?;
        if read_applied(&copy).map_err(failed)? != *applied {
            return Err(MachineError::Damaged("a snapshot is not of the moment it is said to be".to_owned()));
        }
        drop(copy);
        let connection = self.connection.lock();
        connection.execute("ATTACH ?1 AS copy", [from.to_str().unwrap()]).map_err(failed)?;
        let installed = connection.execute_batch(
            "BEGIN IMMEDIATE;
             DELETE FROM pairs; INSERT INTO pairs SELECT * FROM copy.pairs;
             DELETE FROM applied; INSERT INTO applied SELECT * FROM copy.applied;
             COMMIT;",
        );
        connection.execute("DETACH copy", []).map_err(failed)?;
        installed.map_err(failed)
    }

    fn has_removed(&self, node: NodeId) -> Result<bool, MachineError> {
        Ok(self.removed.lock().contains(&node))
    }
}
