//! What the store promises, tried on real files.

mod commit;
mod earlier;
mod files;
mod objects;
mod places;
mod replica;
mod search;
mod tampering;
mod together;
mod users;

use super::*;
use crate::attribute::Attributes;
use crate::token::ObjectId;
use cryptoki_sys as ck;
use rusqlite::Connection;
use tempfile::TempDir;

const CHEAP: Argon2 = Argon2 { memory_kib: 8, passes: 1 };

fn meta() -> Meta {
    Meta { label: "test".into(), serial: "0123456789abcdef".into(), max_failures: 3, argon2: CHEAP }
}

fn officer(password: &str) -> Credentials {
    Credentials::from_pin(Role::Officer, password.as_bytes())
}

fn user(pin: &str) -> Credentials {
    Credentials::from_pin(Role::User, pin.as_bytes())
}

/// A token with the officer `so`, and two crypto users with the passwords `pin-1` and `pin-2`.
pub(super) struct Fixture {
    folder: TempDir,
    pub(super) store: Store,
    pub(super) key: TokenKey,
    pub(super) user: i64,
    other: i64,
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(folder.path(), &meta(), &officer("so-pin")).unwrap();
        let key = login(&store, Role::Officer, &officer("so-pin")).1;
        store.add_user(&key, Role::User, &user("one:pin-1")).unwrap();
        store.add_user(&key, Role::User, &user("two:pin-2")).unwrap();
        let number = |name| store.user(Role::User, name).unwrap().unwrap().number;
        let (user, other) = (number("one"), number("two"));
        Fixture { folder, store, key, user, other }
    }

    /// A token of an earlier format.
    fn of(format: Format, fill: impl Fn(&Writer<'_>) -> Step<()>) -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        connection::make_file(folder.path()).unwrap();
        let store = Store::on(Database::new(folder.path()));
        store.database.prepare().unwrap();
        store
            .database
            .write(|writer| {
                schema::create(writer, format)?;
                fill(writer)
            })
            .unwrap();
        (folder, store)
    }

    fn viewer(&self) -> Option<Viewer<'_>> {
        Some(Viewer { user: self.user, key: &self.key })
    }

    fn other_viewer(&self) -> Option<Viewer<'_>> {
        Some(Viewer { user: self.other, key: &self.key })
    }

    fn again(&self) -> Store {
        Store::open(self.folder.path()).unwrap().unwrap()
    }

    /// Does what somebody with the file can do.
    fn tamper(&self, sql: &str) -> usize {
        let connection = Connection::open(self.folder.path().join("token.db")).unwrap();
        connection.execute(sql, ()).unwrap()
    }

    fn problems(&self) -> Vec<String> {
        self.store.check(Some(&self.key)).unwrap().problems
    }
}

fn login(store: &Store, role: Role, credentials: &Credentials) -> (User, TokenKey) {
    match store.authenticate(role, credentials).unwrap() {
        Authentication::Right(user, key) => (user, key),
        Authentication::Wrong => panic!("wrong"),
        Authentication::Locked => panic!("locked"),
    }
}

/// An object's version, if there is such an object.
fn version_of(store: &Store, id: ObjectId) -> Option<u64> {
    let sql = "SELECT version FROM object WHERE id = ?1";
    let read = |connection: &Connection| {
        Ok(connection.prepare(sql)?.query_map([id.0], |row| row.get::<_, i64>(0))?.next().transpose()?)
    };
    store.database.peek(read).unwrap().map(|version| version.try_into().unwrap())
}

fn id(number: u8) -> ObjectId {
    ObjectId([number; 16])
}

/// An AES key with `number` in its id and its value.
fn record(number: u8, owner: Option<i64>) -> Record {
    let mut public = Attributes::new();
    public.set(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    public.set(ck::CKA_KEY_TYPE, ck::CKK_AES);
    public.set(ck::CKA_ID, vec![number; 4]);
    public.set(ck::CKA_LABEL, b"label-in-the-clear".as_slice());
    public.set(ck::CKA_TOKEN, true);
    public.set(ck::CKA_PRIVATE, owner.is_some());
    public.set(ck::CKA_EXTRACTABLE, false);
    let secret = Attributes::from_iter([(ck::CKA_VALUE, vec![number; 32])]);
    Record { id: id(number), version: 1, owner, public, secret }
}

/// A public object that anybody may write.
fn plain(number: u8) -> Record {
    Record { secret: Attributes::new(), ..record(number, None) }
}
