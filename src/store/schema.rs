//! The tables, and the numbers in SQLite's header that say whose file it is and of which format.

use super::error::{Error, Fault, Step};
use rusqlite::Connection;
use std::path::Path;

/// `application_id`: "Clst".
pub(super) const APPLICATION: i32 = 0x436c_7374;

/// `user_version`: how the rows are kept. A token keeps the format it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Objects have any number, and an index of their ids.
    One = 1,
    /// An object's number comes from its id, and its attributes take less room.
    Two = 2,
}

impl Format {
    /// That of new tokens, and the last that this code reads.
    pub(super) const NEWEST: Format = Format::Two;

    /// By its number.
    pub(super) fn from_number(number: i32) -> Option<Format> {
        [Format::One, Format::Two].into_iter().find(|format| *format as i32 == number)
    }

    /// What makes its tables.
    fn sql(self) -> &'static str {
        match self {
            Format::One => include_str!("schema/format_1.sql"),
            Format::Two => include_str!("schema/format_2.sql"),
        }
    }
}

/// What a file turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A token.
    Token,
    /// An empty database: making a token has not come to its end.
    Nothing,
}

/// Looks at the header of the file at `path`.
pub(super) fn identify(connection: &Connection, path: &Path) -> Step<Content> {
    // One transaction: another process may just be writing them.
    connection.execute_batch("BEGIN")?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let numbers = pragma("application_id").and_then(|application| Ok((application, pragma("user_version")?)));
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0));
    connection.execute_batch("COMMIT")?;
    let other = || Fault::Damaged("another program's database".to_owned());
    match (numbers?, tables?) {
        ((APPLICATION, number), _) => match Format::from_number(number) {
            Some(format) => check_tables(connection, format).map(|()| Content::Token),
            None if number > Format::NEWEST as i32 => {
                Err(Error::Newer { path: path.to_path_buf(), format: number.unsigned_abs() }.into())
            }
            None => Err(other()),
        },
        ((0, 0), 0) => Ok(Content::Nothing),
        _ => Err(other()),
    }
}

/// The format of what is there already; `None` if nothing is.
pub(super) fn format_of(connection: &Connection) -> Step<Option<Format>> {
    let number = connection.prepare_cached("PRAGMA user_version")?.query_row((), |row| row.get(0))?;
    let unknown = || Fault::Damaged(format!("it has format {number} now"));
    if number == 0 { Ok(None) } else { Format::from_number(number).map(Some).ok_or_else(unknown) }
}

/// Damage, if the tables are not those of the format that the header says: what is written by another format's rules is not found again.
pub(super) fn check_tables(connection: &Connection, format: Format) -> Step<()> {
    // The index that SQLite makes for `UNIQUE` has no statement.
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'object' AND sql IS NULL";
    let has_index_of_ids = connection.prepare(sql)?.exists(())?;
    let other = || Fault::Damaged(format!("its tables are not those of format {}", format as i32));
    if has_index_of_ids == (format == Format::One) { Ok(()) } else { Err(other()) }
}

/// Makes the tables, in the caller's transaction.
pub(super) fn create(connection: &Connection, format: Format) -> Step<()> {
    connection.execute_batch(format.sql())?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", format as i32)?;
    Ok(())
}

/// Makes the tables that a store has as one of a cluster's, in the caller's transaction.
pub(super) fn create_replica(connection: &Connection) -> Step<()> {
    connection.execute_batch(include_str!("schema/replica.sql"))?;
    Ok(())
}

/// Whether the store is one of a cluster's.
pub(super) fn is_replica(connection: &Connection) -> Step<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'replica'";
    Ok(connection.prepare(sql)?.exists(())?)
}
