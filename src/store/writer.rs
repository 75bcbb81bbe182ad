//! A transaction that changes rows: each change is a [`Statement`] with its values, made at once and, where it is to travel, kept.

use super::error::{Fault, Step};
use super::place;
use super::schema::Format;
use super::statement::{DELETE_ALL_OBJECTS, DELETE_OBJECT, DELETE_OBJECTS_OF_USER, PUT_OBJECT, Statement};
use crate::attribute::Bytes;
use crate::token::ObjectId;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::ops::Deref;

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Bound {
    Null,
    Integer(i64),
    Text(String),
    Blob(Bytes),
}

/// One statement with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) statement: u16,
    pub(super) values: Vec<Bound>,
}

/// What a request of a cluster's client has come to; remembered with the change, so that asking again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done, and these objects are new or changed.
    Done(Vec<ObjectId>),
    /// The password was wrong, and has been counted.
    WrongPassword,
}

/// The connection while a transaction is open on it. Reading goes through [`Deref`].
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    format: Format,
    changes: RefCell<Vec<Change>>,
    keeps: bool,
    wrong_password: Cell<bool>,
    unnoted: Cell<bool>,
}

impl<'a> Writer<'a> {
    /// Changes rows and keeps nothing.
    pub(super) fn new(connection: &'a Connection, format: Format) -> Self {
        Self::with(connection, format, false)
    }

    /// Keeps what is changed.
    pub(super) fn keeping(connection: &'a Connection, format: Format) -> Self {
        Self::with(connection, format, true)
    }

    fn with(connection: &'a Connection, format: Format, keeps: bool) -> Self {
        Writer {
            connection,
            format,
            changes: RefCell::default(),
            keeps,
            wrong_password: Cell::new(false),
            unnoted: Cell::new(false),
        }
    }

    /// The format of the file.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Whether what is changed is kept, to be made by other stores too.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Runs a statement; answers how many rows it has changed.
    pub(super) fn execute(&self, statement: Statement, values: &[&dyn ToSql]) -> Step<usize> {
        let changed = run(self.connection, self.format, statement, values)?;
        if self.keeps {
            let values = values.iter().map(|value| Bound::of(*value)).collect::<Step<Vec<_>>>()?;
            self.changes.borrow_mut().push(Change { statement: statement.0, values });
        }
        Ok(changed)
    }

    /// What is being done is the counting of a wrong password.
    pub(super) fn counts_wrong_password(&self) {
        self.wrong_password.set(true);
    }

    /// What is being done is not yet what was asked for: only a step on the way.
    pub(super) fn is_but_a_step(&self) {
        self.unnoted.set(true);
    }

    /// What was kept, and what to remember of it as the answer to a request.
    pub(super) fn finish(self) -> (Vec<Change>, Option<Outcome>) {
        let changes = self.changes.into_inner();
        let outcome = match self.wrong_password.get() {
            _ if self.unnoted.get() => None,
            true => Some(Outcome::WrongPassword),
            false => Some(Outcome::Done(changes.iter().filter_map(Change::object).collect())),
        };
        (changes, outcome)
    }
}

impl Deref for Writer<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Change {
    /// Makes the change in a file of this format, in the caller's transaction; answers how many rows it has changed.
    pub(super) fn make(&self, connection: &Connection, format: Format) -> Step<usize> {
        let values: Vec<&dyn ToSql> = self.values.iter().map(|value| value as &dyn ToSql).collect();
        run(connection, format, Statement(self.statement), &values)
    }

    /// The object it puts, if it puts one.
    fn object(&self) -> Option<ObjectId> {
        if Statement(self.statement) == PUT_OBJECT { self.first_id() } else { None }
    }

    /// The objects it puts or deletes; `None`: it may be any.
    pub(super) fn objects(&self) -> Option<Vec<ObjectId>> {
        match Statement(self.statement) {
            PUT_OBJECT | DELETE_OBJECT => self.first_id().map(|id| vec![id]),
            DELETE_OBJECTS_OF_USER | DELETE_ALL_OBJECTS => None,
            _ => Some(Vec::new()),
        }
    }

    /// Its first value, as an object's id.
    fn first_id(&self) -> Option<ObjectId> {
        self.values.first()?.id()
    }
}

fn run(connection: &Connection, format: Format, statement: Statement, values: &[&dyn ToSql]) -> Step<usize> {
    let unknown = || Fault::Damaged(format!("a change has the unknown number {}", statement.0));
    let other = || Fault::Damaged(format!("change {} has other values", statement.0));
    let mut prepared = connection.prepare_cached(statement.sql(format).ok_or_else(unknown)?)?;
    let place = match (statement.is_placed(format), values.first()) {
        (false, _) => None,
        (true, Some(first)) => Some(place::of(Bound::of(*first)?.id().ok_or_else(other)?)),
        (true, None) => return Err(other()),
    };
    let place = place.as_ref().map(|place| place as &dyn ToSql);
    if prepared.parameter_count() != values.len() + usize::from(place.is_some()) {
        return Err(other());
    }
    Ok(prepared.execute(params_from_iter(values.iter().copied().chain(place)))?)
}

impl Bound {
    /// An object's id.
    fn id(&self) -> Option<ObjectId> {
        match self {
            Bound::Blob(id) => Some(ObjectId(id[..].try_into().ok()?)),
            _ => None,
        }
    }

    fn of(value: &dyn ToSql) -> Step<Bound> {
        let output = value.to_sql()?;
        let borrowed = match &output {
            ToSqlOutput::Borrowed(value) => *value,
            ToSqlOutput::Owned(value) => value.into(),
            _ => return Err(Fault::Damaged("a value of no kind that is kept".to_owned())),
        };
        Ok(match borrowed {
            ValueRef::Null => Bound::Null,
            ValueRef::Integer(value) => Bound::Integer(value),
            ValueRef::Text(text) => Bound::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(blob) => Bound::Blob(blob.into()),
            ValueRef::Real(_) => return Err(Fault::Damaged("no column holds fractions".to_owned())),
        })
    }
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Bound::Null => ValueRef::Null,
            Bound::Integer(value) => ValueRef::Integer(*value),
            Bound::Text(text) => ValueRef::Text(text.as_bytes()),
            Bound::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}
