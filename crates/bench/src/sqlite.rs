//! What durability alone costs: one row a transaction, in SQLite, set up as the store is.

use crate::Result;
use crate::load::{Call, Calls, Load};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Mutex;

/// Bytes of a row: those that Cloister writes for the key whose making is compared with it, identifier, tags and seals.
const ROW: usize = 351;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Attribute;
    use crate::side::keys;
    use cloister::attribute::Attributes;
    use cloister::config::TokenSettings;
    use cloister::mechanism::{Mechanism, Params, registry};
    use cloister::pin::{Credentials, Role};
    use cloister::token::local::LocalToken;
    use cloister::token::{Making, Token};
    use rusqlite::types::ValueRef;

    /// Makes a token in `folder`, and a key as the row of keys that are made does.
    fn make_key(folder: &Path) {
        let cheap = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
        let token = LocalToken::new(folder.to_owned(), cheap);
        let officer = Credentials::from_pin(Role::Officer, b"officer-pin");
        let user = Credentials::from_pin(Role::User, b"user-pin");
        token.initialize(&officer, "test").unwrap();
        token.init_pin(Some(&token.login(Role::Officer, &officer).unwrap()), &user).unwrap();
        let mut template = Attributes::new();
        for attribute in keys::AES.secret_template(true, keys::NEW) {
            match attribute {
                Attribute::Flag(kind, value) => template.set(kind, value),
                Attribute::Number(kind, value) => template.set(kind, value),
                Attribute::Bytes(kind, value) => template.set(kind, value.into_owned()),
            }
        }
        let row = registry::find(keys::AES.mechanism).unwrap();
        let making = Making::Generate(&Mechanism { row, params: Params::None });
        token.make(Some(&token.login(Role::User, &user).unwrap()), making, &template).unwrap();
    }

    #[test]
    fn a_row_is_as_large_as_that_of_a_key_of_cloister() {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path());
        let connection = Connection::open(folder.path().join("token.db")).unwrap();
        let bytes = |row: &rusqlite::Row<'_>| -> rusqlite::Result<usize> {
            (0..row.as_ref().column_count()).try_fold(0, |sum, column| match row.get_ref(column)? {
                ValueRef::Blob(bytes) => Ok(sum + bytes.len()),
                _ => Ok(sum),
            })
        };
        let size = connection.query_row("SELECT * FROM object", [], bytes).unwrap();
        assert_eq!(ROW, size, "ROW is not the size of the key's row, {size} bytes");
    }
}
