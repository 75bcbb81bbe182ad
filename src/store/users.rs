//! Users: added, given passwords, unlocked, deleted.

use super::error::{Error, Fault, Result, Step};
use super::keys::TokenKey;
use super::password::{Argon2, Holder, PasswordKey, WrappedKey};
use super::roster::Keeper;
use super::writer::Writer;
use super::{Store, meta, objects, statement};
use crate::pin::{Credentials, Role};
use rusqlite::{Connection, OptionalExtension, params};

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
    pub wrapped: WrappedKey,
    /// Wrong passwords since the last right one.
    pub failures: u32,
    /// Raised by whatever must end older logins.
    pub epoch: u64,
}

/// The columns of a row, in the order that [`user_from`] and [`statement::PUT_USER`] have them.
pub(super) const COLUMNS: &str =
    "number, role, name, argon2_memory, argon2_passes, salt, wrapped, failures, epoch";

impl Store {
    /// One user.
    pub fn user(&self, role: Role, name: &str) -> Result<Option<User>> {
        self.database.peek(|connection| find(connection, role, name))
    }

    /// Whether a login stands as it did: the token has this serial number, and the user this number and epoch.
    ///
    /// That it stands need not be on the disk: a number is never given again and an epoch never goes back, so what is there is what the login has found.
    pub fn stands(&self, serial: &str, role: Role, name: &str, number: i64, epoch: u64) -> Result<bool> {
        let sql = "SELECT 1 FROM token, user WHERE serial = ?1 AND role = ?2 AND name = ?3 AND number = ?4 AND epoch = ?5";
        let values = params![serial, number_of(role), name, number, epoch.cast_signed()];
        let stands =
            self.database.glance(|connection| Ok(connection.prepare_cached(sql)?.exists(values)?))?;
        if !stands {
            self.database.settle_seen()?;
        }
        Ok(stands)
    }

    /// All users, officers first, by name.
    pub fn users(&self) -> Result<Vec<User>> {
        self.database.peek(all)
    }

    /// Adds a user (`Exists` if there is one of that role and name).
    pub fn add_user(&self, key: &TokenKey, role: Role, user: &Credentials) -> Result<()> {
        let password = self.choose(user)?;
        self.database.write(|writer| {
            meta::require_key(writer, key)?;
            add(writer, key, role, &user.name, &password)
        })
    }

    /// Gives a user another password, forgets its failures and raises its epoch (`Gone` if there is no such user).
    ///
    /// `known`: the user as it was when it proved its old password, `Gone` if it has been given another since or is another
    /// user of that name. An officer, who need not know the old one, passes `None`.
    pub fn set_password(
        &self,
        key: &TokenKey,
        role: Role,
        user: &Credentials,
        known: Option<&User>,
    ) -> Result<()> {
        let password = self.choose(user)?;
        self.database.write(|writer| {
            meta::require_key(writer, key)?;
            let stored = find(writer, role, &user.name)?.ok_or(Error::Gone)?;
            if known.is_some_and(|known| (known.number, known.epoch) != (stored.number, stored.epoch)) {
                return Err(Error::Gone.into());
            }
            let number = stored.number;
            let wrapped =
                password.wrap(key, Holder { serial: key.serial(), role, name: &user.name, number })?;
            let Argon2 { memory_kib, passes } = wrapped.argon2;
            writer.execute(
                statement::SET_PASSWORD,
                &[&number, &memory_kib, &passes, &wrapped.salt, &wrapped.sealed],
            )?;
            Ok(())
        })
    }

    /// Forgets a user's failures (`Gone` if there is no such user).
    pub fn unlock(&self, role: Role, name: &str) -> Result<()> {
        self.database.write(|writer| {
            let user = find(writer, role, name)?.ok_or(Error::Gone)?;
            set_failures(writer, user.number, 0)
        })
    }

    /// Deletes a user and the private objects it owns (`Gone` if there is no such user, `LastOfficer` if no officer would be left).
    pub fn delete_user(&self, key: &TokenKey, role: Role, name: &str) -> Result<()> {
        self.database.write(|writer| {
            meta::require_key(writer, key)?;
            let user = find(writer, role, name)?.ok_or(Error::Gone)?;
            if role == Role::Officer && count(writer, role)? == 1 {
                return Err(Error::LastOfficer.into());
            }
            let mut keeper = Keeper::new(writer, Some(key))?;
            objects::delete_owned(writer, &mut keeper, user.number)?;
            keeper.finish()?;
            writer.execute(statement::DELETE_USER, &[&user.number])?;
            Ok(())
        })
    }

    /// The key of a new password, at the token's cost.
    fn choose(&self, user: &Credentials) -> Result<PasswordKey> {
        let argon2 = self.meta()?.argon2;
        PasswordKey::choose(argon2, &user.password)
            .map_err(|error| Fault::from(error).at(self.database.path()))
    }
}

/// Adds a user, in the caller's transaction.
pub(super) fn add(
    writer: &Writer<'_>,
    key: &TokenKey,
    role: Role,
    name: &str,
    password: &PasswordKey,
) -> Step<()> {
    if find(writer, role, name)?.is_some() {
        return Err(Error::Exists.into());
    }
    let number = meta::take_user_number(writer)?;
    let wrapped = password.wrap(key, Holder { serial: key.serial(), role, name, number })?;
    let Argon2 { memory_kib, passes } = wrapped.argon2;
    writer.execute(
        statement::PUT_USER,
        &[&number, &number_of(role), &name, &memory_kib, &passes, &wrapped.salt, &wrapped.sealed],
    )?;
    Ok(())
}

/// The user of that role and name.
pub(super) fn find(connection: &Connection, role: Role, name: &str) -> Step<Option<User>> {
    let sql = format!("SELECT {COLUMNS} FROM user WHERE role = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![number_of(role), name])?;
    rows.next()?.map(user_from).transpose()
}

/// All users, officers first, by name.
pub(super) fn all(connection: &Connection) -> Step<Vec<User>> {
    let sql = format!("SELECT {COLUMNS} FROM user ORDER BY role, name");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(())?;
    let mut users = Vec::new();
    while let Some(row) = rows.next()? {
        users.push(user_from(row)?);
    }
    Ok(users)
}

/// `LoginOver` unless there is a crypto user of that number.
pub(super) fn require(connection: &Connection, number: i64) -> Step<()> {
    let sql = "SELECT 1 FROM user WHERE number = ?1 AND role = ?2";
    let found =
        connection.prepare_cached(sql)?.query_row([number, number_of(Role::User)], |_| Ok(())).optional()?;
    found.ok_or(Error::LoginOver.into())
}

/// Sets how many wrong passwords a user has given.
pub(super) fn set_failures(writer: &Writer<'_>, user: i64, failures: u32) -> Step<()> {
    writer.execute(statement::SET_FAILURES, &[&user, &failures]).map(|_| ())
}

/// A role as the table has it: officers come first.
fn number_of(role: Role) -> i64 {
    match role {
        Role::Officer => 0,
        Role::User => 1,
    }
}

fn count(connection: &Connection, role: Role) -> Step<i64> {
    let sql = "SELECT count(*) FROM user WHERE role = ?1";
    Ok(connection.query_row(sql, [number_of(role)], |row| row.get(0))?)
}

fn user_from(row: &rusqlite::Row<'_>) -> Step<User> {
    let damaged = |what: &str| Fault::Damaged(format!("a user's {what} is out of range"));
    let role = match row.get(1)? {
        0 => Role::Officer,
        1 => Role::User,
        _ => return Err(damaged("role")),
    };
    let argon2 = Argon2 { memory_kib: row.get(3)?, passes: row.get(4)? };
    if !argon2.is_sane() {
        return Err(damaged("cost of Argon2id"));
    }
    Ok(User {
        number: row.get(0)?,
        name: row.get(2)?,
        role,
        wrapped: WrappedKey { argon2, salt: row.get(5)?, sealed: row.get(6)? },
        failures: row.get(7)?,
        epoch: u64::try_from(row.get::<_, i64>(8)?).map_err(|_| damaged("epoch"))?,
    })
}
