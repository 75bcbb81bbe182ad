//! Users: added, given passwords, unlocked, deleted.

use super::error::{Error, Fault, Result, Step};
use super::keys::TokenKey;
use super::password::{Argon2, Holder, PasswordKey, WrappedKey};
use super::roster::Keeper;
use super::{Store, meta, objects};
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

const COLUMNS: &str = "number, role, name, argon2_memory, argon2_passes, salt, wrapped, failures, epoch";

impl Store {
    /// One user.
    pub fn user(&self, role: Role, name: &str) -> Result<Option<User>> {
        self.database.peek(|connection| find(connection, role, name))
    }

    /// All users, officers first, by name.
    pub fn users(&self) -> Result<Vec<User>> {
        self.database.peek(all)
    }

    /// Adds a user (`Exists` if there is one of that role and name).
    pub fn add_user(&self, key: &TokenKey, role: Role, user: &Credentials) -> Result<()> {
        let password = self.choose(user)?;
        self.database.write(|connection| {
            meta::require_key(connection, key)?;
            add(connection, key, role, &user.name, &password)
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
        self.database.write(|connection| {
            meta::require_key(connection, key)?;
            let stored = find(connection, role, &user.name)?.ok_or(Error::Gone)?;
            if known.is_some_and(|known| (known.number, known.epoch) != (stored.number, stored.epoch)) {
                return Err(Error::Gone.into());
            }
            let number = stored.number;
            let wrapped =
                password.wrap(key, Holder { serial: key.serial(), role, name: &user.name, number })?;
            let Argon2 { memory_kib, passes } = wrapped.argon2;
            let sql = "UPDATE user SET argon2_memory = ?2, argon2_passes = ?3, salt = ?4, wrapped = ?5, \
                       failures = 0, epoch = epoch + 1 WHERE number = ?1";
            connection.execute(sql, params![number, memory_kib, passes, wrapped.salt, wrapped.sealed])?;
            Ok(())
        })
    }

    /// Forgets a user's failures (`Gone` if there is no such user).
    pub fn unlock(&self, role: Role, name: &str) -> Result<()> {
        self.database.write(|connection| {
            let sql = "UPDATE user SET failures = 0 WHERE role = ?1 AND name = ?2";
            let changed = connection.execute(sql, params![number_of(role), name])?;
            if changed == 1 { Ok(()) } else { Err(Error::Gone.into()) }
        })
    }

    /// Deletes a user and the private objects it owns (`Gone` if there is no such user, `LastOfficer` if no officer would be left).
    pub fn delete_user(&self, key: &TokenKey, role: Role, name: &str) -> Result<()> {
        self.database.write(|connection| {
            meta::require_key(connection, key)?;
            let user = find(connection, role, name)?.ok_or(Error::Gone)?;
            if role == Role::Officer && count(connection, role)? == 1 {
                return Err(Error::LastOfficer.into());
            }
            let mut keeper = Keeper::new(connection, Some(key));
            objects::delete_owned(connection, &mut keeper, user.number)?;
            keeper.finish()?;
            connection.execute("DELETE FROM user WHERE number = ?1", [user.number])?;
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
    connection: &Connection,
    key: &TokenKey,
    role: Role,
    name: &str,
    password: &PasswordKey,
) -> Step<()> {
    if find(connection, role, name)?.is_some() {
        return Err(Error::Exists.into());
    }
    let number = meta::take_user_number(connection)?;
    let wrapped = password.wrap(key, Holder { serial: key.serial(), role, name, number })?;
    let Argon2 { memory_kib, passes } = wrapped.argon2;
    let sql = format!("INSERT INTO user ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 1)");
    connection.execute(
        &sql,
        params![number, number_of(role), name, memory_kib, passes, wrapped.salt, wrapped.sealed],
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
pub(super) fn set_failures(connection: &Connection, user: i64, failures: u32) -> Step<()> {
    let sql = "UPDATE user SET failures = ?2 WHERE number = ?1";
    connection.prepare_cached(sql)?.execute(params![user, failures])?;
    Ok(())
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
