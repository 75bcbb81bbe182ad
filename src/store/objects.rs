//! Objects: read, added, replaced, deleted.

use super::counter::Moved;
use super::error::{Error, Fault, Result, Step};
use super::keys::TokenKey;
use super::place;
use super::record::{Name, Record, Row};
use super::roster::Keeper;
use super::schema::Format;
use super::writer::Writer;
use super::{Store, Viewer, meta, statement};
use crate::token::ObjectId;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use std::sync::Arc;

/// The columns of a row, in the order that [`row_from`] and [`statement::PUT_OBJECT`] have them.
pub(super) const COLUMNS: &str =
    "id, version, owner, id_tag, label_tag, type_tag, class_tag, public, public_mac, secret";

/// How many those are.
pub(super) const COLUMN_COUNT: usize = 10;

impl Store {
    /// One object. Without a viewer only public objects are found, their secret half is left empty, and whether they are authentic is not
    /// checked: such an answer must not be kept for a viewer. Who owns it is not checked here.
    pub fn get(&self, viewer: Option<Viewer<'_>>, id: ObjectId) -> Result<Option<Record>> {
        let key = viewer.map(|viewer| viewer.key);
        match self.row(key, id)? {
            Some(row) => self.judge(key, row.open(key)).map(Some),
            None => {
                let format = self.database.format()?;
                self.database.peek(|connection| place::check_strangers(connection, format, id)).map(|()| None)
            }
        }
    }

    /// Whether an object read before, in this version, is as it was, without opening it.
    ///
    /// That it is need not be on the disk: an id is never given again and a version never goes back, so what is there is what has been read.
    pub fn is_still(&self, id: ObjectId, version: u64) -> Result<bool> {
        let format = self.database.format()?;
        let name = self.database.glance(|connection| name_of(connection, format, id))?;
        let is_still = name.is_some_and(|name| u64::try_from(name.version) == Ok(version));
        if !is_still {
            self.database.settle_seen()?;
        }
        Ok(is_still)
    }

    /// Adds new objects, all or none (`Exists` if an id is taken, or all places for it). Without a viewer only public ones without secrets can be added.
    ///
    /// Answers, as the other changes of objects do, how that has moved the change counter; `None`: nobody knows.
    pub fn insert(&self, viewer: Option<Viewer<'_>>, records: &[Record]) -> Result<Option<Moved>> {
        let rows = self.seal(viewer, records)?;
        let (key, new) = (viewer.map(|viewer| viewer.key.clone()), rows.sealed());
        self.write_objects(key, new, move |writer, keeper| {
            rows.each(writer, |row| put_new(writer, keeper, row))
        })
    }

    /// Replaces an object; `record.version` is one above that of the stored one, or the answer is `Gone`.
    pub fn replace(&self, viewer: Option<Viewer<'_>>, record: &Record) -> Result<Option<Moved>> {
        let sees = viewer.is_some();
        let rows = self.seal(viewer, std::slice::from_ref(record))?;
        let key = viewer.map(|viewer| viewer.key.clone());
        self.write_objects(key, None, move |writer, keeper| {
            rows.each(writer, |row| {
                let id = row.name.id;
                let stored = stored_row(writer, id, sees)?;
                if stored.name.version.checked_add(1) != Some(row.name.version) {
                    return Err(Error::Gone.into());
                }
                // Without a key this refuses too what would lose its secret: who has no key sees none.
                keeper.strike(&stored)?;
                writer.execute(statement::DELETE_OBJECT, &[&id.0])?;
                put_row(writer, keeper, row)
            })
        })
    }

    /// Deletes an object (`Gone` if there is none). A private one is not there without a viewer, and one with a secret or that is trusted
    /// can't be deleted (`LoginNeeded`).
    pub fn delete(&self, viewer: Option<Viewer<'_>>, id: ObjectId) -> Result<Option<Moved>> {
        let sees = viewer.is_some();
        let key = viewer.map(|viewer| viewer.key.clone());
        self.write_objects(key, None, move |writer, keeper| {
            let stored = stored_row(writer, id, sees)?;
            keeper.strike(&stored)?;
            writer.execute(statement::DELETE_OBJECT, &[&id.0])?;
            Ok(())
        })
    }

    /// Seals new rows before any lock is taken, where that takes a key: what a key belongs to is looked at again under the lock.
    fn seal(&self, viewer: Option<Viewer<'_>>, records: &[Record]) -> Result<Rows> {
        let Some(Viewer { key, .. }) = viewer else { return Ok(Rows::Open(records.to_vec())) };
        let open_key = match records.iter().all(|record| record.owner.is_some()) {
            true => None,
            // It is on the disk when what it is used for is.
            false => Some(self.database.glance(meta::open_key)?),
        };
        let format = self.database.format()?;
        let seal = |record| Row::seal(record, Some(key), open_key.as_ref(), format);
        let rows = records.iter().map(seal).collect::<Step<Arc<[Row]>>>();
        rows.map(Rows::Sealed).map_err(|fault| fault.at(self.database.path()))
    }

    /// A row that may be looked at with `key`.
    pub(super) fn row(&self, key: Option<&TokenKey>, id: ObjectId) -> Result<Option<Row>> {
        let ahead = if self.database.seems_in_place() { self.ahead.take(self.counter(), id) } else { None };
        let row = match ahead {
            Some(row) => Some(row),
            None => {
                let format = self.database.format()?;
                self.database.peek(|connection| read_row(connection, format, id))?
            }
        };
        Ok(row.filter(|row| row.is_visible(key.is_some())))
    }

    /// Names the file in an error, and tells a damaged record from a key that is another token's.
    pub(super) fn judge<T>(&self, key: Option<&TokenKey>, opened: Step<T>) -> Result<T> {
        opened.map_err(|fault| {
            let other = key.map(|key| self.database.peek(|connection| meta::require_key(connection, key)));
            match other {
                Some(Err(error)) => error,
                _ => fault.at(self.database.path()),
            }
        })
    }

    /// A transaction that changes objects, and with them the roster. `new`: what it adds, if that is all it does.
    fn write_objects(
        &self,
        key: Option<TokenKey>,
        new: Option<Arc<[Row]>>,
        work: impl Fn(&Writer<'_>, &mut Keeper<'_>) -> Step<()> + Send + 'static,
    ) -> Result<Option<Moved>> {
        let lot = key.clone().map(|key| Lot { key, new });
        self.database
            .write_together(lot, move |writer| kept(writer, key.as_ref(), |keeper| work(writer, keeper)))
    }
}

/// What others need to do for the one who adds objects, and what one has to have who does it for others.
pub(super) struct Lot {
    /// What the roster is kept with.
    pub(super) key: TokenKey,
    /// The new rows, if nothing else is to be done.
    pub(super) new: Option<Arc<[Row]>>,
}

/// Adds what several have sealed, and then what there is `more`, until that is nothing; all or nothing is to stand.
pub(super) fn put_all<'a>(
    writer: &Writer<'_>,
    key: &TokenKey,
    mut rows: impl Iterator<Item = &'a Row>,
    mut more: impl FnMut() -> Vec<Arc<[Row]>>,
) -> Step<()> {
    kept(writer, Some(key), |keeper| {
        rows.try_for_each(|row| put_new(writer, keeper, row))?;
        loop {
            let left = more();
            if left.is_empty() {
                return Ok(());
            }
            left.iter().flat_map(|rows| rows.iter()).try_for_each(|row| put_new(writer, keeper, row))?;
        }
    })
}

/// Whether these very rows are there.
pub(super) fn are_there(connection: &Connection, format: Format, rows: &[Row]) -> Step<bool> {
    for row in rows {
        if read_row(connection, format, row.name.id)?.as_ref() != Some(row) {
            return Ok(false);
        }
    }
    Ok(!rows.is_empty())
}

fn kept<'a>(
    writer: &'a Writer<'_>,
    key: Option<&'a TokenKey>,
    work: impl FnOnce(&mut Keeper<'a>) -> Step<()>,
) -> Step<()> {
    let mut keeper = Keeper::new(writer, key)?;
    work(&mut keeper)?;
    keeper.finish()
}

fn put_new(writer: &Writer<'_>, keeper: &mut Keeper<'_>, row: &Row) -> Step<()> {
    if writer.keeps() {
        place::require_room(writer, writer.format(), row.name.id)?;
    }
    put_row(writer, keeper, row).map_err(taken)
}

/// New rows.
enum Rows {
    /// Sealed already.
    Sealed(Arc<[Row]>),
    /// Not to be sealed. Their tags are made with a key that is another if the token has been made anew.
    Open(Vec<Record>),
}

impl Rows {
    /// Those that are sealed.
    fn sealed(&self) -> Option<Arc<[Row]>> {
        match self {
            Rows::Sealed(rows) => Some(rows.clone()),
            Rows::Open(_) => None,
        }
    }

    fn each(&self, writer: &Writer<'_>, mut work: impl FnMut(&Row) -> Step<()>) -> Step<()> {
        match self {
            Rows::Sealed(rows) => rows.iter().try_for_each(work),
            Rows::Open(records) => {
                let open_key = meta::open_key(writer)?;
                let seal = |record| Row::seal(record, None, Some(&open_key), writer.format());
                records.iter().try_for_each(|record| work(&seal(record)?))
            }
        }
    }
}

/// Deletes all private objects of a user.
pub(super) fn delete_owned(writer: &Writer<'_>, keeper: &mut Keeper<'_>, owner: i64) -> Step<()> {
    let mut owned = writer.prepare("SELECT id, version, owner FROM object WHERE owner = ?1")?;
    let mut rows = owned.query([owner])?;
    while let Some(row) = rows.next()? {
        keeper.strike_name(&name_from(row)?)?;
    }
    writer.execute(statement::DELETE_OBJECTS_OF_USER, &[&owner])?;
    Ok(())
}

/// Reads a row from the first ten columns of an answer, [`COLUMNS`].
pub(super) fn row_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        name: name_from(row)?,
        tags: [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?],
        public: row.get(7)?,
        public_mac: row.get(8)?,
        secret: row.get(9)?,
    })
}

fn name_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Name> {
    Ok(Name { id: ObjectId(row.get(0)?), version: row.get(1)?, owner: row.get(2)? })
}

fn read_row(connection: &Connection, format: Format, id: ObjectId) -> Step<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM object WHERE {}", format.by_id());
    match connection.prepare_cached(&sql)?.query_row((id.0, place::of(id)), row_from).optional() {
        // A column of another type than the format has.
        Err(error) if error.sqlite_error().is_none() => {
            Err(Fault::Damaged(format!("object {}: {error}", id.to_hex())))
        }
        row => Ok(row?),
    }
}

/// The row of an object that is to be changed; `Gone` if there is none.
fn stored_row(writer: &Writer<'_>, id: ObjectId, sees: bool) -> Step<Row> {
    if let Some(stored) = read_row(writer, writer.format(), id)?.filter(|stored| stored.is_visible(sees)) {
        return Ok(stored);
    }
    place::check_strangers(writer, writer.format(), id)?;
    Err(Error::Gone.into())
}

fn name_of(connection: &Connection, format: Format, id: ObjectId) -> Step<Option<Name>> {
    let sql = format!("SELECT id, version, owner FROM object WHERE {}", format.by_id());
    Ok(connection.prepare_cached(&sql)?.query_row((id.0, place::of(id)), name_from).optional()?)
}

/// SQLite says that an id is taken already.
fn taken(fault: Fault) -> Fault {
    match fault {
        Fault::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Error::Exists.into()
        }
        other => other,
    }
}

fn put_row(writer: &Writer<'_>, keeper: &mut Keeper<'_>, row: &Row) -> Step<()> {
    let Name { id, version, owner } = row.name;
    keeper.enter(row)?;
    let [id_tag, label_tag, type_tag, class_tag] = row.tags;
    writer.execute(
        statement::PUT_OBJECT,
        &[
            &id.0,
            &version,
            &owner,
            &id_tag,
            &label_tag,
            &type_tag,
            &class_tag,
            &row.public,
            &row.public_mac,
            &row.secret,
        ],
    )?;
    Ok(())
}
