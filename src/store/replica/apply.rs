//! Changes made: by every node, in the order of the log.

use super::{COMMANDS, Command, Replica, sequence};
use crate::store::Store;
use crate::store::counter::Counter;
use crate::store::error::{Error, Fault, Result, Step};
use crate::store::schema::Format;
use crate::store::writer::Change;
use crate::token::ObjectId;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::Path;

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// All its changes are made.
    Made = 1,
    /// It was drafted on a state that is no longer the present one. Nothing has been changed.
    Stale = 2,
}

/// What a command has done to this store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Whether its changes are made.
    pub verdict: Verdict,
    /// The objects that are new, changed or gone; `None`: it may be any.
    pub objects: Option<Vec<ObjectId>>,
}

impl Verdict {
    /// From its number.
    pub fn from_byte(byte: u8) -> Option<Verdict> {
        [Verdict::Made, Verdict::Stale].into_iter().find(|verdict| *verdict as u8 == byte)
    }
}

impl Store {
    /// What the last [`Store::apply`] or [`Store::install`] has stored as the position in the log; empty before the first.
    pub fn applied(&self) -> Result<Vec<u8>> {
        self.database.peek(read_applied)
    }

    /// Makes the changes of commands that all stores have agreed on, in this order, and stores `applied`, the position in the log, in one
    /// transaction, which is durable once [`Store::copy`] or [`Store::install`] has been called: the log is to be kept until then. Remembers the ids of `nodes` for ever. An error means that this node can't go on: what it has is not what the
    /// others have.
    pub fn apply(&self, commands: &[&[u8]], nodes: &[u64], applied: &[u8]) -> Result<Vec<Effect>> {
        let (path, counter) = (self.database.path(), self.database.counter());
        let mut effects = Vec::with_capacity(commands.len());
        let replica = self.replica()?;
        replica.change(path, counter, |connection| {
            let mut present = sequence(connection)?;
            for command in commands {
                effects.push(make(connection, replica.format, command, &mut present)?);
            }
            for node in nodes {
                let sql = "INSERT OR IGNORE INTO node (id) VALUES (?1)";
                connection.prepare_cached(sql)?.execute([node.cast_signed()])?;
            }
            let sql = "UPDATE replica SET sequence = ?1, applied = ?2";
            connection.prepare_cached(sql)?.execute((present, applied))?;
            Ok(())
        })?;
        Ok(effects)
    }
}

impl Replica {
    /// A transaction on the desk's connection.
    pub(super) fn change(
        &self,
        path: &Path,
        counter: &Counter,
        work: impl FnOnce(&Connection) -> Step<()>,
    ) -> Result<()> {
        let desk = self.free_desk();
        let commit = || -> Step<()> {
            let transaction = Transaction::new_unchecked(&desk.connection, TransactionBehavior::Immediate)?;
            work(&transaction)?;
            let moving =
                counter.begin().ok_or_else(|| Fault::Told(Error::ReadOnly(counter.path().to_path_buf())))?;
            let committed = transaction.commit();
            drop(moving);
            Ok(committed?)
        };
        commit().map_err(|fault| fault.at(path))
    }
}

fn make(connection: &Connection, format: Format, command: &[u8], present: &mut i64) -> Step<Effect> {
    let unreadable = || {
        let version = command.first().copied().unwrap_or_default();
        Fault::Damaged(format!(
            "a command of version {version} can't be read; is this node's program the oldest?"
        ))
    };
    let command: Command = COMMANDS.decode(command).ok_or_else(unreadable)?;
    if command.base != *present {
        return Ok(Effect { verdict: Verdict::Stale, objects: Some(Vec::new()) });
    }
    for change in &command.changes {
        change.make(connection, format)?;
    }
    *present = present.checked_add(1).ok_or(Error::TooLarge)?;
    let objects = command.changes.iter().map(Change::objects).collect::<Option<Vec<_>>>();
    Ok(Effect { verdict: Verdict::Made, objects: objects.map(|objects| objects.concat()) })
}

pub(super) fn read_applied(connection: &Connection) -> Step<Vec<u8>> {
    Ok(connection.prepare_cached("SELECT applied FROM replica")?.query_row((), |row| row.get(0))?)
}
