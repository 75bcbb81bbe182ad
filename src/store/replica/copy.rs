//! The whole store copied to a file, for a node that has been away for too long, and replaced by such a copy.

use super::apply::read_applied;
use crate::store::error::{Error, Fault, Result, Step};
use crate::store::objects::{COLUMN_COUNT, COLUMNS};
use crate::store::schema::Format;
use crate::store::statement::PUT_OBJECT;
use crate::store::writer::Writer;
use crate::store::{Store, schema};
use rusqlite::backup::Backup;
use rusqlite::types::{ToSql, Value as Sqlite};
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
            let format = format_of(connection)?;
            for table in TABLES {
                connection.execute_batch(&format!("DELETE FROM main.{table}"))?;
                if table == "object" && format != replica.format {
                    put_objects(connection, replica.format)?;
                } else {
                    let sql = format!("INSERT INTO main.{table} SELECT * FROM copy.{table}");
                    connection.execute_batch(&sql)?;
                }
            }
            connection.execute("UPDATE main.replica SET applied = ?1", [applied])?;
            Ok(())
        });
        let desk = replica.free_desk();
        let detached = desk.connection.execute_batch("DETACH copy");
        installed.and(detached.map_err(|error| Fault::from(error).at(from)))?;
        self.sync()
    }

    /// Makes all that has been applied durable: what is no longer in SQLite's own log was synced when it left that. After a failure it is not known to be
    /// before the log has been emptied, here or when the store is opened again.
    fn sync(&self) -> Result<()> {
        self.database.settle_all(&self.replica()?.log)
    }
}

fn attach(connection: &Connection, from: &Path) -> Step<()> {
    let name = from.to_str().ok_or_else(|| Fault::Damaged("its name is no text".to_owned()))?;
    connection.execute("ATTACH ?1 AS copy", [name])?;
    Ok(())
}

/// The format of the copy, if its tables are those of a store that this version knows, written the same way.
fn format_of(connection: &Connection) -> Step<Format> {
    let tables = |connection: &Connection, schema: &str| -> Step<Vec<String>> {
        let sql = format!("SELECT name || sql FROM {schema}.sqlite_schema WHERE type = 'table' ORDER BY 1");
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map((), |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let other = || Fault::Damaged("the copy is of another version of Cloister".to_owned());
    let number = connection.pragma_query_value(Some("copy"), "user_version", |row| row.get(0))?;
    let format = Format::from_number(number).ok_or_else(other)?;
    let known = Connection::open_in_memory()?;
    schema::create(&known, format)?;
    schema::create_replica(&known)?;
    if tables(connection, "copy")? == tables(&known, "main")? { Ok(format) } else { Err(other()) }
}

/// Puts the copy's objects into a file of another format.
fn put_objects(connection: &Connection, format: Format) -> Step<()> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM copy.object ORDER BY number"))?;
    let mut rows = statement.query(())?;
    let writer = Writer::new(connection, format);
    while let Some(row) = rows.next()? {
        let values = (0..COLUMN_COUNT).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Sqlite>>>()?;
        let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
        writer.execute(PUT_OBJECT, &values)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_a_replica_is_copied() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection, Format::NEWEST).unwrap();
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
