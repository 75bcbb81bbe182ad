//! One token at rest: a SQLite file in a folder of its own, and beside it the change counter.
//!
//! See `docs/store.md` for the format. The store knows records, users and seals; it knows no sessions and no policy.
//!
//! From the bottom up: `codec` turns attributes into bytes, `seal` protects bytes, `keys` and `password` are the key hierarchy;
//! `schema`, `connection`, `sight` and `counter` are the files, `gather` (with `together` and `tray`) and `settle` how they are written and when they are on the disk, `tidy` keeps the log short, `steady` tells what stays as it was; `meta`, `users`, `record`, `tags` and `roster` are what is in them, and `place` tells where a record lies;
//! `login`, `objects`, `search` (with `recent`, its memory) and `check` are what can be asked.

mod check;
mod codec;
mod connection;
mod counter;
pub mod errand;
mod error;
mod gather;
pub(crate) mod keys;
mod login;
mod meta;
mod objects;
mod password;
mod place;
mod recent;
mod record;
mod replica;
mod roster;
mod schema;
pub(crate) mod seal;
mod search;
mod settle;
mod sight;
mod statement;
mod steady;
mod tags;
mod tidy;
mod together;
mod tray;
mod users;
mod writer;

#[cfg(test)]
mod tests;

pub use check::Report;
pub use counter::{Counter, Moved};
pub use error::{Error, Result};
pub use keys::TokenKey;
pub use login::Authentication;
pub use meta::Meta;
pub use password::{Argon2, WrappedKey};
pub use place::new_id;
pub use record::Record;
pub use replica::{Consensus, Effect, LONGEST_COMMAND, Remembered, Verdict};
pub use users::User;
pub use writer::Outcome;

use crate::pin::{Credentials, Role};
use connection::Database;
use error::{Fault, Step};
use password::PasswordKey;
use recent::{Ahead, OpenKey, Recent};
use roster::Roster;
use schema::{Content, Format};
use statement::Statement;
use std::any::Any;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use writer::Writer;

/// What a token made anew begins by deleting.
const EVERYTHING: [Statement; 3] =
    [statement::DELETE_ALL_OBJECTS, statement::DELETE_ALL_USERS, statement::DELETE_ALL_STRANGERS];

/// Who looks: a user's number and the token key it logged in with.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// [`User::number`].
    pub user: i64,
    /// The token key.
    pub key: &'a TokenKey,
}

/// One token's store. May be used from several threads; each process opens its own.
///
/// There is one connection to the file, opened when it is needed. While one thread writes, the others wait to read; that is a few milliseconds,
/// unless another process holds the write lock. Nothing slow (Argon2id) runs meanwhile.
pub struct Store {
    database: Database,
    recent: Recent,
    ahead: Ahead,
    open_key: OpenKey,
}

impl Store {
    fn on(database: Database) -> Store {
        Store { database, recent: Recent::default(), ahead: Ahead::default(), open_key: OpenKey::default() }
    }

    /// Whether there is a token's file in `folder`, be it whole or not: [`Store::open`] tells.
    pub fn is_in(folder: &Path) -> bool {
        connection::path(folder).exists()
    }

    /// Opens the token in `folder`; `Ok(None)` if there is none.
    pub fn open(folder: &Path) -> Result<Option<Store>> {
        let file = connection::path(folder);
        match std::fs::metadata(&file) {
            // Without bytes it is a file that a process is about to make a token of, or has died at.
            Ok(metadata) if metadata.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::from_io(&file, &error)),
        }
        let store = Store::on(Database::new(folder));
        if !store.is_whole()? {
            return Ok(None);
        }
        if store.database.peek(schema::is_replica)? {
            let why = "it belongs to a node of a cluster; list the node in the slot's configuration instead";
            return Err(Error::Unreachable(file, why.to_owned()));
        }
        if store.database.counter().is_odd() && !store.is_read_only() {
            // A writer has died: an empty transaction of our own makes the counter even again. If it can't, reading still works.
            if let Err(error) = store.database.write(|_| Ok(())) {
                log::warn!("{error}");
            }
        }
        Ok(Some(store))
    }

    /// Makes a token in `folder` (made too if it is missing; mode 0700) with one officer. `Exists` if there is one already.
    pub fn create(folder: &Path, meta: &Meta, officer: &Credentials) -> Result<Store> {
        connection::make_folder(folder)?;
        let file = connection::path(folder);
        let made = Made::new(meta, officer).map_err(|fault| fault.at(&file))?;

        let store = Store::on(Database::new(folder));
        let _one_at_a_time = counter::lock(folder).map_err(|error| Error::from_io(folder, &error))?;
        connection::make_file(folder)?;
        if store.is_whole()? {
            return Err(Error::Exists);
        }
        store.database.prepare()?;
        store.database.write(|writer| {
            schema::create(writer, Format::NEWEST)?;
            made.put(writer)
        })?;
        Ok(store)
    }

    /// Makes the token anew in one transaction: a new token key, no objects, and `officer` as its only user.
    pub fn recreate(&self, meta: &Meta, officer: &Credentials) -> Result<()> {
        let made = Made::new(meta, officer).map_err(|fault| fault.at(self.database.path()))?;
        self.database.write(|writer| {
            for statement in EVERYTHING {
                writer.execute(statement, &[])?;
            }
            made.put(writer)
        })
    }

    /// Makes the first token in a store that has none yet (`Exists` if it has one).
    pub fn make_first(&self, meta: &Meta, officer: &Credentials) -> Result<()> {
        let made = Made::new(meta, officer).map_err(|fault| fault.at(self.database.path()))?;
        self.database.write(|writer| {
            if meta::exists(writer)? {
                return Err(Error::Exists.into());
            }
            made.put(writer)
        })
    }

    /// What is fixed when a token is made, and its label.
    pub fn meta(&self) -> Result<Meta> {
        self.database.read(meta::read)
    }

    /// Whether nothing can be written.
    pub fn is_read_only(&self) -> bool {
        self.database.is_read_only()
    }

    /// Whether the file has been replaced or removed since it was opened: this store answers `Unreachable` from now on, and the folder may
    /// hold another token. Costs a system call.
    pub fn is_replaced(&self) -> bool {
        self.database.is_replaced()
    }

    /// The same as far as was known some milliseconds ago, and then mostly without a system call.
    pub fn seems_replaced(&self) -> bool {
        self.database.seems_replaced()
    }

    /// The change counter: as long as it is `Some` and the same, nothing has been written by any process. `None`: a writer is at work, or
    /// has died at it; only reading tells. Costs one load from memory.
    ///
    /// Sample it before reading what is to be kept; what was read is good while the counter is the same as the sample.
    pub fn counter(&self) -> Option<u64> {
        self.database.counter().value()
    }

    /// Forgets the searches of `viewer`, who has gone. One that is under way may still be kept: it is good for nobody else.
    pub fn forget_searches(&self, viewer: Viewer<'_>) {
        self.recent.forget(viewer);
    }

    /// The value of the change counter that stands for `seen`, an earlier one, where nothing but objects has been changed since, as far as anybody
    /// knows. Costs no look at the store.
    pub fn steady_since(&self, seen: u64) -> Option<u64> {
        self.database.counter().steady_since(seen)
    }

    /// The change counter itself, for those who keep something for longer than the store.
    pub fn watch(&self) -> Arc<Counter> {
        self.database.counter().clone()
    }

    /// It is let go of, since another file has taken its place: its counter proves nothing any more.
    pub fn retire(&self) {
        self.database.counter().retire();
    }

    /// Closes what must not be open while the process forks, until the answer is dropped, on this same thread. The child leaks the answer and
    /// never uses this store again.
    pub fn pause(&self) -> Box<dyn Any> {
        self.database.pause()
    }

    /// Whether making the token has come to its end.
    fn is_whole(&self) -> Result<bool> {
        match self.database.content()? {
            Content::Token => self.database.peek(meta::exists),
            Content::Nothing => Ok(false),
        }
    }
}

/// A new token, before it is written: the slow part is done, and no lock was held.
struct Made<'a> {
    meta: &'a Meta,
    key: TokenKey,
    officer: &'a str,
    password: PasswordKey,
}

impl<'a> Made<'a> {
    fn new(meta: &'a Meta, officer: &'a Credentials) -> Step<Self> {
        if !meta.argon2.is_sane() {
            return Err(Fault::Damaged(
                "the cost of Argon2id is out of range; see the configuration".to_owned(),
            ));
        }
        let key = TokenKey::generate(&meta.serial)?;
        let password = PasswordKey::choose(meta.argon2, &officer.password)?;
        Ok(Made { meta, key, officer: &officer.name, password })
    }

    fn put(&self, writer: &Writer<'_>) -> Step<()> {
        meta::replace(writer, self.meta, &self.key)?;
        Roster::empty().write(writer, &self.key)?;
        users::add(writer, &self.key, Role::Officer, self.officer, &self.password)
    }
}
