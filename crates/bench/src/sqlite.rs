//! What durability alone costs: one row a transaction, in SQLite, set up as the store is.

use crate::Result;
use crate::load::{Call, Calls, Load};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Mutex;

/// Bytes of a row: about those of a sealed key.
const ROW: usize = 400;

/// A database that all callers share, one after the other.
pub struct Transactions(Mutex<Connection>);

impl Transactions {
    /// Opens the database in `file`, or makes it.
    pub fn open(file: &Path) -> Result<Transactions> {
        let connection = Connection::open(file)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY, content BLOB)")?;
        Ok(Transactions(Mutex::new(connection)))
    }
}

impl Load for Transactions {
    fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls> {
        calls(Call::alone(|| {
            let connection = self.0.lock().map_err(|_| "another caller has failed")?;
            let row = [0x5a; ROW];
            connection.prepare_cached("INSERT INTO line (content) VALUES (?1)")?.execute([&row[..]])?;
            Ok(())
        }))
    }
}
