//! The one row about the token itself.

use super::error::{Error, Fault, Step};
use super::keys::TokenKey;
use super::password::Argon2;
use super::seal::{self, MacKey, Secret};
use super::statement;
use super::writer::Writer;
use rusqlite::{Connection, OptionalExtension};
use zeroize::Zeroizing;

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

/// Whether the token is there: the row is the last thing written when one is made.
pub(super) fn exists(connection: &Connection) -> Step<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM token")?.exists(())?)
}

/// Reads the row.
pub(super) fn read(connection: &Connection) -> Step<Meta> {
    let sql = "SELECT label, serial, max_failures, argon2_memory, argon2_passes FROM token";
    let meta = connection.prepare_cached(sql)?.query_row((), |row| {
        let argon2 = Argon2 { memory_kib: row.get(3)?, passes: row.get(4)? };
        Ok(Meta { label: row.get(0)?, serial: row.get(1)?, max_failures: row.get(2)?, argon2 })
    })?;
    if !meta.argon2.is_sane() {
        return Err(Fault::Damaged("the cost of Argon2id is out of range".to_owned()));
    }
    Ok(meta)
}

/// Writes the row for a new token, in place of the one that may be there, and without users.
pub(super) fn replace(writer: &Writer<'_>, meta: &Meta, key: &TokenKey) -> Step<()> {
    // Numbers of users are never used again, not even in the next token: a login to the last one must not fit.
    let next_user =
        writer.query_row("SELECT max(next_user) FROM token", (), |row| row.get::<_, Option<i64>>(0))?;
    let open_key: Secret = Zeroizing::new(seal::random()?);
    writer.execute(
        statement::PUT_TOKEN,
        &[
            &meta.label,
            &meta.serial,
            &meta.max_failures,
            &meta.argon2.memory_kib,
            &meta.argon2.passes,
            &&open_key[..],
            key.id(),
            &next_user.unwrap_or(1),
        ],
    )?;
    Ok(())
}

/// A key that lies open in the file: it only keeps names and values of public objects out of plain sight.
pub(super) fn open_key(connection: &Connection) -> Step<MacKey> {
    let sql = "SELECT open_key FROM token";
    let key = connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    Ok(MacKey::new(&Zeroizing::new(key))?)
}

/// Takes the number for a new user.
pub(super) fn take_user_number(writer: &Writer<'_>) -> Step<i64> {
    let sql = "SELECT next_user FROM token";
    let number: i64 = writer.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    let next = number.checked_add(1).ok_or(Error::TooLarge)?;
    writer.execute(statement::SET_NEXT_USER, &[&next])?;
    Ok(number)
}

/// `LoginOver` if `key` is not (any more) this token's.
pub(super) fn require_key(connection: &Connection, key: &TokenKey) -> Step<()> {
    let id =
        connection.prepare_cached("SELECT key_id FROM token")?.query_row((), |row| row.get(0)).optional()?;
    if id == Some(*key.id()) { Ok(()) } else { Err(Error::LoginOver.into()) }
}
