//! One token at rest: a SQLite file in a folder of its own, and beside it the change counter.
//!
//! See `docs/store.md` for the format. The store knows records, users and seals; it knows no sessions and no policy.

pub mod seal;

use crate::attribute::Attributes;
use crate::pin::{Credentials, Role};
use crate::token::ObjectId;
use std::path::{Path, PathBuf};

pub use seal::{Argon2, TokenKey};

/// Why the store can't do as asked. Each carries what one log line needs to say; [`Error::code`] maps it, once, to what a caller sees.
#[derive(Debug)]
pub enum Error {
    /// The folder or file can't be opened or made.
    Unreachable(PathBuf, String),
    /// Read-only file or folder.
    ReadOnly(PathBuf),
    /// No space, or a quota.
    Full(PathBuf),
    /// Written by a later version of Cloister.
    Newer { path: PathBuf, format: u32 },
    /// Not a store, or a record that fails its seal.
    Corrupt(PathBuf, String),
    /// Another process has held the store for too long.
    Busy(PathBuf),
    /// Anything else SQLite says.
    Failed(PathBuf, String),
    /// The record to be changed is gone.
    Gone,
    /// A user of that role and name exists.
    Exists,
}

/// The result of a store's method.
pub type Result<T> = std::result::Result<T, Error>;

/// What is fixed when a token is made, and its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// At most 32 bytes.
    pub label: String,
    /// 16 hexadecimal digits.
    pub serial: String,
    /// Wrong PINs in a row that lock a user.
    pub max_failures: u32,
    /// Cost of checking a PIN.
    pub argon2: Argon2,
}

/// A user's record.
#[derive(Clone, Debug)]
pub struct User {
    /// Number of the user in this token; never used again.
    pub number: i64,
    /// Name, unique per role.
    pub name: String,
    /// CO or CU.
    pub role: Role,
    /// The token key wrapped under this user's password.
    pub wrapped: seal::WrappedKey,
    /// Wrong passwords since the last right one.
    pub failures: u32,
    /// Raised by whatever must end older logins.
    pub epoch: u64,
}

/// An object as it is kept: its attributes in two halves, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object's name.
    pub id: ObjectId,
    /// Raised by one at each change.
    pub version: u64,
    /// `Some`: private, owned by that user. `None`: public.
    pub owner: Option<i64>,
    /// All attributes but the secret ones.
    pub public: Attributes,
    /// The secret ones: sealed on disk always.
    pub secret: Attributes,
}

/// The answer to a name and password.
pub enum Authentication {
    /// Right: the user, and the token key that the password opened.
    Right(User, TokenKey),
    /// No such user, or a wrong password: the two can't be told apart, not even by the time taken.
    Wrong,
    /// Too many wrong ones before.
    Locked,
}

/// Who looks: a crypto user's number and the token key it logged in with.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// [`User::number`].
    pub user: i64,
    /// The token key.
    pub key: &'a TokenKey,
}

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

/// One token's store. May be used from several threads; each process opens its own.
pub struct Store {
    _private: (),
}

impl Store {
    /// TEMP
    pub fn is_in(folder: &Path) -> bool {
        folder.join("token.db").is_file()
    }
    /// Opens the token in `folder`; `Ok(None)` if there is none.
    pub fn open(folder: &Path) -> Result<Option<Store>> {
        let _ = folder;
        todo!()
    }

    /// Makes a token in `folder` (made too if it is missing; mode 0700) with one officer.
    pub fn create(folder: &Path, meta: &Meta, officer: &Credentials) -> Result<Store> {
        let _ = (folder, meta, officer);
        todo!()
    }

    /// Makes the token anew in one transaction: a new token key, no objects, and `officer` as its only user.
    pub fn recreate(&self, meta: &Meta, officer: &Credentials) -> Result<()> {
        let _ = (meta, officer);
        todo!()
    }

    /// What is fixed when a token is made, and its label.
    pub fn meta(&self) -> Result<Meta> {
        todo!()
    }

    /// Whether nothing can be written.
    pub fn is_read_only(&self) -> bool {
        todo!()
    }

    /// The change counter: as long as it is `Some` and the same, nothing has been written by any process. `None`: a writer is at work, or
    /// has died at it; only reading tells. Costs one load from memory.
    pub fn counter(&self) -> Option<u64> {
        todo!()
    }

    /// Checks a password and counts wrong ones, durably.
    pub fn authenticate(&self, role: Role, user: &Credentials) -> Result<Authentication> {
        let _ = (role, user);
        todo!()
    }

    /// One user.
    pub fn user(&self, role: Role, name: &str) -> Result<Option<User>> {
        let _ = (role, name);
        todo!()
    }

    /// All users, officers first, by name.
    pub fn users(&self) -> Result<Vec<User>> {
        todo!()
    }

    /// Adds a user (`Exists` if there is one of that role and name).
    pub fn add_user(&self, key: &TokenKey, role: Role, user: &Credentials) -> Result<()> {
        let _ = (key, role, user);
        todo!()
    }

    /// Gives a user another password, forgets its failures and raises its epoch.
    pub fn set_password(&self, key: &TokenKey, role: Role, user: &Credentials) -> Result<()> {
        let _ = (key, role, user);
        todo!()
    }

    /// Forgets a user's failures.
    pub fn unlock(&self, role: Role, name: &str) -> Result<()> {
        let _ = (role, name);
        todo!()
    }

    /// Deletes a user and the private objects it owns.
    pub fn delete_user(&self, _k: &TokenKey, role: Role, name: &str) -> Result<()> {
        let _ = (role, name);
        todo!()
    }

    /// One object. Without a viewer only public objects are found, and their secret half is left empty. Who owns it is
    /// not checked here.
    pub fn get(&self, viewer: Option<Viewer<'_>>, id: ObjectId) -> Result<Option<Record>> {
        let _ = (viewer, id);
        todo!()
    }

    /// An object's version, without opening it.
    pub fn version(&self, id: ObjectId) -> Result<Option<u64>> {
        let _ = id;
        todo!()
    }

    /// Adds new objects, all or none. Without a viewer only public ones without secrets can be added.
    pub fn insert(&self, viewer: Option<Viewer<'_>>, records: &[Record]) -> Result<()> {
        let _ = (viewer, records);
        todo!()
    }

    /// Replaces an object; `record.version` is one above that of the stored one, or the answer is `Gone`.
    pub fn replace(&self, viewer: Option<Viewer<'_>>, record: &Record) -> Result<()> {
        let _ = (viewer, record);
        todo!()
    }

    /// Deletes an object.
    pub fn delete(&self, _viewer: Option<Viewer<'_>>, id: ObjectId) -> Result<()> {
        let _ = id;
        todo!()
    }

    /// The objects that match `template` in all its attributes: public ones, and the viewer's own. A secret attribute never matches.
    pub fn find(
        &self,
        viewer: Option<Viewer<'_>>,
        template: &Attributes,
    ) -> Result<Vec<crate::token::Found>> {
        let _ = (viewer, template);
        todo!()
    }

    /// Looks at everything: structure, formats, and with a key every seal.
    pub fn check(&self, key: Option<&TokenKey>) -> Result<Report> {
        let _ = key;
        todo!()
    }

    /// Closes what must not be open while the process forks, until the answer is dropped.
    pub fn pause(&self) -> Box<dyn std::any::Any> {
        todo!()
    }
}

impl From<Error> for crate::error::Error {
    fn from(_e: Error) -> Self {
        todo!()
    }
}
