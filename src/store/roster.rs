//! The roster: one authenticated digest over all objects that take K to write (private ones, secrets, trusted keys), so that a row put back,
//! taken out or doubled is noticed.
//!
//! Each of them adds HMAC(K, id, version, owner) to the digest by exclusive or, and takes it away again: a change costs the same
//! whatever the token holds. Only who has K can add an element, or authenticate the digest, and only with K are
//! these objects ever written or deleted.

use super::error::{Error, Fault, Step};
use super::keys::TokenKey;
use super::record::{Name, Row};
use super::seal;
use super::statement;
use super::users;
use super::writer::Writer;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension};

/// The digest, and how many objects it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Roster {
    digest: [u8; 32],
    count: i64,
}

impl Roster {
    /// That of a token without such objects.
    pub(super) fn empty() -> Self {
        Roster { digest: [0; 32], count: 0 }
    }

    /// How many objects it is over.
    pub(super) fn count(&self) -> i64 {
        self.count
    }

    /// Reads it; damaged if `key` did not authenticate it, `LoginOver` if that is not (any more) this token's.
    pub(super) fn read(connection: &Connection, key: &TokenKey) -> Step<Self> {
        Unproved::read(connection, key)?.prove(key)
    }

    /// Authenticates and writes it.
    pub(super) fn write(&self, writer: &Writer<'_>, key: &TokenKey) -> Step<()> {
        let mac = self.mac(key)?;
        key.authentic().keep(self, mac);
        writer.execute(statement::SET_ROSTER, &[&self.digest, &self.count, &mac]).map(|_| ())
    }

    /// Enters an object.
    pub(super) fn add(&mut self, key: &TokenKey, name: &Name) -> Step<()> {
        self.count = self.count.saturating_add(1);
        self.toggle(key, name)
    }

    /// Strikes an object out.
    pub(super) fn remove(&mut self, key: &TokenKey, name: &Name) -> Step<()> {
        self.count = self.count.saturating_sub(1);
        self.toggle(key, name)
    }

    fn toggle(&mut self, key: &TokenKey, name: &Name) -> Step<()> {
        // Users are numbered from 1: 0 is nobody.
        let owner = name.owner.unwrap_or_default();
        let parts: [&[u8]; 4] = [b"object", &name.id.0, &name.version.to_le_bytes(), &owner.to_le_bytes()];
        let element = seal::mac(key.roster(), &parts)?;
        for (byte, other) in self.digest.iter_mut().zip(element) {
            *byte ^= other;
        }
        Ok(())
    }

    fn mac(&self, key: &TokenKey) -> Step<[u8; 32]> {
        Ok(seal::mac(key.roster(), &[b"roster", &self.digest, &self.count.to_le_bytes()])?)
    }
}

/// The roster as it is stored.
struct Unproved {
    roster: Roster,
    mac: Vec<u8>,
}

impl Unproved {
    /// Reads it; `LoginOver` if `key` is not (any more) this token's.
    fn read(connection: &Connection, key: &TokenKey) -> Step<Unproved> {
        let sql = "SELECT roster_digest, roster_count, roster_mac FROM token WHERE key_id = ?1";
        let stored = connection.prepare_cached(sql)?.query_row([key.id()], |row| {
            Ok(Unproved { roster: Roster { digest: row.get(0)?, count: row.get(1)? }, mac: row.get(2)? })
        });
        stored.optional()?.ok_or(Error::LoginOver.into())
    }

    /// The roster, if `key` has authenticated it.
    fn prove(self, key: &TokenKey) -> Step<Roster> {
        let mac = match key.authentic().mac_of(&self.roster) {
            Some(mac) => mac,
            None => self.roster.mac(key)?,
        };
        if !seal::same(&mac, &self.mac) {
            return Err(Fault::Damaged("the roster of objects is not authentic".to_owned()));
        }
        Ok(self.roster)
    }
}

/// The roster that was authenticated last, with its MAC: the next change mostly finds that one, and need not compute it again.
#[derive(Default)]
pub(super) struct Authentic(Mutex<Option<(Roster, [u8; 32])>>);

impl Authentic {
    fn keep(&self, roster: &Roster, mac: [u8; 32]) {
        *self.0.lock() = Some((roster.clone(), mac));
    }

    fn mac_of(&self, roster: &Roster) -> Option<[u8; 32]> {
        self.0.lock().as_ref().filter(|(known, _)| known == roster).map(|(_, mac)| *mac)
    }
}

/// The roster while one transaction changes objects: proved with the first that is on it, written at the end.
pub(super) struct Keeper<'a> {
    writer: &'a Writer<'a>,
    key: Option<&'a TokenKey>,
    stored: Option<Unproved>,
    changed: Option<Roster>,
    /// Whose object was entered last: who is there stays, as long as the transaction changes objects.
    owner: Option<i64>,
}

impl<'a> Keeper<'a> {
    /// `LoginOver` if the key is not (any more) this token's. Without a key nothing can be entered or struck out.
    pub(super) fn new(writer: &'a Writer<'a>, key: Option<&'a TokenKey>) -> Step<Self> {
        let stored = key.map(|key| Unproved::read(writer, key)).transpose()?;
        Ok(Keeper { writer, key, stored, changed: None, owner: None })
    }

    /// An object is new. `LoginOver` if its owner is gone, for a login outlives its user in other processes; `LoginNeeded` if it belongs on the roster and
    /// there is no key.
    pub(super) fn enter(&mut self, row: &Row) -> Step<()> {
        if let Some(owner) = row.name.owner
            && self.owner != Some(owner)
        {
            users::require(self.writer, owner)?;
            self.owner = Some(owner);
        }
        if row.is_on_roster() { self.change(&row.name, Roster::add) } else { Ok(()) }
    }

    /// An object is gone. `LoginNeeded` if it is on the roster and there is no key.
    pub(super) fn strike(&mut self, row: &Row) -> Step<()> {
        if row.is_on_roster() { self.strike_name(&row.name) } else { Ok(()) }
    }

    /// An object that is on the roster is gone.
    pub(super) fn strike_name(&mut self, name: &Name) -> Step<()> {
        self.change(name, Roster::remove)
    }

    /// Writes what has changed.
    pub(super) fn finish(self) -> Step<()> {
        match (self.key, self.changed) {
            (Some(key), Some(roster)) => roster.write(self.writer, key),
            _ => Ok(()),
        }
    }

    fn change(&mut self, name: &Name, how: fn(&mut Roster, &TokenKey, &Name) -> Step<()>) -> Step<()> {
        let key = self.key.ok_or(Error::LoginNeeded)?;
        let mut roster = match (self.changed.take(), self.stored.take()) {
            (Some(roster), _) => roster,
            (None, Some(stored)) => stored.prove(key)?,
            // It was not authentic a moment ago.
            (None, None) => Roster::read(self.writer, key)?,
        };
        how(&mut roster, key, name)?;
        self.changed = Some(roster);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::ObjectId;

    fn name(id: u8, version: i64, owner: i64) -> Name {
        Name { id: ObjectId([id; 16]), version, owner: Some(owner) }
    }

    #[test]
    fn an_object_struck_out_leaves_no_trace_and_every_other_change_does() {
        let key = TokenKey::generate("01").unwrap();
        let of = |entries: &[(u8, i64, i64)]| {
            let mut roster = Roster::empty();
            for (id, version, owner) in entries {
                roster.add(&key, &name(*id, *version, *owner)).unwrap();
            }
            roster
        };
        let mut roster = of(&[(1, 1, 1), (2, 1, 1)]);
        roster.remove(&key, &name(2, 1, 1)).unwrap();
        assert_eq!(roster, of(&[(1, 1, 1)]));
        for other in [
            of(&[]),
            of(&[(2, 1, 1)]),
            of(&[(1, 2, 1)]),
            of(&[(1, 1, 2)]),
            of(&[(1, 1, 0)]),
            of(&[(1, 1, 1); 3]),
        ] {
            assert_ne!(roster, other);
        }
    }
}
