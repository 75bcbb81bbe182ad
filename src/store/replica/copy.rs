//! The whole store copied to a file, for a node that has been away for too long, and replaced by such a copy.

use super::apply::read_applied;
use crate::store::error::{Error, Fault, Result, Step};
use crate::store::settle::Log;
use crate::store::{Store, schema};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// All tables, in an order in which they can be filled.
const TABLES: [&str; 8] = ["token", "user", "stranger", "object", "replica", "request", "spent", "node"];

impl Store {
    /// Writes a copy of the store, as it is at one moment, to the new file `into`; answers the position in the log of that moment, up to which the
    /// store itself is durable now too. Writing goes on meanwhile.
    pub fn copy(&self, into: &Path) -> Result<Vec<u8>> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(into)
            .map_err(|error| Error::from_io(into, &error))?;
        let source = self.database.connect()?;
        let copy = || -> Step<Vec<u8>> {
            let mut copy = Connection::open_with_flags(into, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            // All in one step: under one lock for reading, so that it is one moment.
            Backup::new(&source, &mut copy)?.step(-1)?;
            // One file, with nothing beside it.
            copy.pragma_update(None, "journal_mode", "DELETE")?;
            read_applied(&copy)
        };
        let applied = copy().map_err(|fault| fault.at(into))?;
        self.sync()?;
        Ok(applied)
    }

    /// Replaces everything by the copy in the file `from`, and the position in the log by `applied`, in one durable transaction.
    pub fn install(&self, from: &Path, applied: &[u8]) -> Result<()> {
        let (path, counter) = (self.database.path(), self.database.counter());
        let replica = self.replica()?;
        {
            let desk = replica.free_desk();
            attach(&desk.connection, from).map_err(|fault| fault.at(from))?;
        }
        let installed = replica.change(path, counter, |connection| {
            fits(connection)?;
            for table in TABLES {
                connection.execute_batch(&format!(
                    "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM copy.{table};"
                ))?;
            }
            connection.execute("UPDATE main.replica SET applied = ?1", [applied])?;
            Ok(())
        });
        let desk = replica.free_desk();
        let detached = desk.connection.execute_batch("DETACH copy");
        installed.and(detached.map_err(|error| Fault::from(error).at(from)))?;
        self.sync()
    }

    /// Makes all that has been applied durable: what is no longer in SQLite's own log was synced when it left that.
    fn sync(&self) -> Result<()> {
        let path = self.database.path();
        let synced = Log::open(path).and_then(|log| log.map_or(Ok(()), |log| log.sync()));
        synced.map_err(|error| Error::from_io(path, &error))
    }
}

fn attach(connection: &Connection, from: &Path) -> Step<()> {
    let name = from.to_str().ok_or_else(|| Fault::Damaged("its name is no text".to_owned()))?;
    connection.execute("ATTACH ?1 AS copy", [name])?;
    Ok(())
}

/// Whether the copy is a store of this version: the same tables, written the same way.
fn fits(connection: &Connection) -> Step<()> {
    let read = |schema: &str| -> Step<Vec<String>> {
        let sql = format!(
            "SELECT type || name || coalesce(sql, '') FROM {schema}.sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"
        );
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map((), |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let version: i32 = connection.pragma_query_value(Some("copy"), "user_version", |row| row.get(0))?;
    if version != schema::FORMAT || read("copy")? != read("main")? {
        return Err(Fault::Damaged("the copy is of another version of Cloister".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_replica_is_copied() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        schema::create_replica(&connection).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let names = statement.query_map((), |row| row.get(0)).unwrap();
        let names: Vec<String> = names.collect::<rusqlite::Result<_>>().unwrap();
        let mut copied = TABLES.to_vec();
        copied.sort_unstable();
        assert_eq!(names, copied);
    }
}
