//! Everything in a store looked at: what is wrong, named by the object's id and never by its contents.

use super::error::{Fault, Result, Step};
use super::keys::TokenKey;
use super::objects::{COLUMN_COUNT, COLUMNS, row_from};
use super::place;
use super::record::Row;
use super::roster::Roster;
use super::schema::Format;
use super::seal::MacKey;
use super::{Store, meta, users};
use rusqlite::Connection;
use std::collections::HashSet;

/// What [`Store::check`] found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records read.
    pub objects: u64,
    /// Users read.
    pub users: u64,
    /// One line for each thing that is wrong.
    pub problems: Vec<String>,
}

impl Store {
    /// Looks at everything: structure, formats, and with a key every seal. Other threads of the process wait for it.
    pub fn check(&self, key: Option<&TokenKey>) -> Result<Report> {
        self.database.read(|connection| {
            if let Some(key) = key {
                meta::require_key(connection, key)?;
            }
            let format = self.database.format_on(connection)?;
            let mut check = Check { connection, key, format, report: Report::default() };
            check.structure()?;
            check.token()?;
            let owners = check.users()?;
            check.objects(&owners)?;
            Ok(check.report)
        })
    }
}

struct Check<'a> {
    connection: &'a Connection,
    key: Option<&'a TokenKey>,
    format: Format,
    report: Report,
}

impl Check<'_> {
    /// SQLite's own check of pages, trees and indexes.
    fn structure(&mut self) -> Step<()> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let line: String = row.get(0)?;
            if line != "ok" {
                self.report.problems.push(format!("SQLite: {line}"));
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Step<()> {
        let read = meta::read(self.connection);
        self.note(read).map(|_| ())
    }

    /// The numbers of all crypto users.
    fn users(&mut self) -> Step<HashSet<i64>> {
        let users = users::all(self.connection);
        let users = self.note(users)?.unwrap_or_default();
        self.report.users = users.len() as u64;
        if !users.iter().any(|user| user.role == crate::pin::Role::Officer) {
            self.report.problems.push("there is no officer".to_owned());
        }
        Ok(users.iter().filter(|user| user.role == crate::pin::Role::User).map(|user| user.number).collect())
    }

    fn objects(&mut self, owners: &HashSet<i64>) -> Step<()> {
        let open_key = meta::open_key(self.connection)?;
        let mut roster = Roster::empty();
        // Not every format has an index that tells.
        let mut seen = HashSet::new();
        let mut statement = self.connection.prepare(&format!("SELECT {COLUMNS}, number FROM object"))?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            self.report.objects = self.report.objects.saturating_add(1);
            let number = row.get(COLUMN_COUNT)?;
            let Some(row) = self.note(row_from(row).map_err(Fault::from))? else { continue };
            self.note(place::check(self.format, row.name.id, number))?;
            if !seen.insert(row.name.id) {
                self.report
                    .problems
                    .push(format!("object {}: it is there more than once", row.name.id.to_hex()));
            }
            if let Some(key) = self.key.filter(|_| row.is_on_roster()) {
                roster.add(key, &row.name)?;
            }
            self.object(&row, owners, &open_key)?;
        }
        self.roster(&roster)
    }

    fn object(&mut self, row: &Row, owners: &HashSet<i64>, open_key: &MacKey) -> Step<()> {
        let id = row.name.id.to_hex();
        if row.name.owner.is_some_and(|owner| !owners.contains(&owner)) {
            self.report.problems.push(format!("object {id}: its owner does not exist"));
        }
        if !row.is_visible(self.key.is_some()) {
            return Ok(());
        }
        let Some(record) = self.note(row.open(self.key))? else { return Ok(()) };
        if !row.has_its_tags(self.key, open_key, &record.public)? {
            self.report
                .problems
                .push(format!("object {id}: its search tags are not those of its attributes"));
        }
        Ok(())
    }

    fn roster(&mut self, found: &Roster) -> Step<()> {
        let Some(key) = self.key else { return Ok(()) };
        let Some(stored) = self.note(Roster::read(self.connection, key))? else { return Ok(()) };
        if stored != *found {
            self.report.problems.push(format!(
                "the objects written after a login (private ones, secrets, trusted keys) are not those last written: {} \
                 are here, the roster has {}; one was removed, doubled or is an older version put back",
                found.count(),
                stored.count()
            ));
        }
        Ok(())
    }

    /// Turns damage into a line of the report; other failures end the check.
    fn note<T>(&mut self, outcome: Step<T>) -> Step<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Fault::Damaged(why)) => {
                self.report.problems.push(why);
                Ok(None)
            }
            Err(Fault::Sqlite(error)) if error.sqlite_error().is_none() => {
                self.report.problems.push(format!("a column has another type than the format: {error}"));
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }
}
