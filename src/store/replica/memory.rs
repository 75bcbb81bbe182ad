//! What the stores of a cluster remember beside their token.

use super::apply::read_applied;
use crate::codec::Codec;
use crate::store::Store;
use crate::store::errand::Errand;
use crate::store::error::{Fault, Result, Step};
use crate::store::statement::{FORGET_SPENT, SPEND};
use crate::store::writer::Outcome;
use rusqlite::{Connection, OptionalExtension};

/// Version 1 of the outcomes.
const OUTCOMES: Codec = Codec::new(1, 1 << 16);

/// Confirmations remembered.
const REMEMBERED: i64 = 1 << 16;

/// What is remembered of a request's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// The request, and what it has come to.
    Outcome(Outcome),
    /// Another request had that id.
    Other,
}

impl Store {
    /// What a request has come to, if it is one of the last that have changed anything.
    pub fn outcome_of(&self, errand: Errand) -> Result<Option<Remembered>> {
        self.database.peek(|connection| outcome_of(connection, errand))
    }

    /// Uses up a confirmation, by its random number. Whether it may be used: for the first time, or once more by the very same request. The last of
    /// them are remembered, by their count and no clock: far more than can be made while one is good.
    pub fn spend(&self, confirmation: [u8; 16], request: Option<[u8; 16]>) -> Result<bool> {
        self.database.write(|writer| {
            writer.is_but_a_step();
            let sql = "SELECT request FROM spent WHERE confirmation = ?1";
            let by: Option<Option<[u8; 16]>> =
                writer.prepare_cached(sql)?.query_row([confirmation], |row| row.get(0)).optional()?;
            if let Some(by) = by {
                return Ok(by.is_some() && by == request);
            }
            writer.execute(SPEND, &[&confirmation, &request])?;
            writer.execute(FORGET_SPENT, &[&REMEMBERED])?;
            Ok(true)
        })
    }

    /// Whether there is or was a node of this id, as far as this store has come.
    pub fn had_node(&self, id: u64) -> Result<bool> {
        Ok(self.had_node_at(id)?.0)
    }

    /// The same, with the position in the log ([`Store::applied`]) of the very moment when it was so.
    pub fn had_node_at(&self, id: u64) -> Result<(bool, Vec<u8>)> {
        self.database.read(|connection| {
            let mut known = connection.prepare_cached("SELECT 1 FROM node WHERE id = ?1")?;
            Ok((known.exists([id.cast_signed()])?, read_applied(connection)?))
        })
    }

    /// How many nodes there have ever been, as far as this store has come.
    pub fn count_nodes(&self) -> Result<u64> {
        self.database.peek(|connection| {
            let count = connection.query_row("SELECT count(*) FROM node", (), |row| row.get::<_, i64>(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// How many objects there are, of everybody.
    pub fn count_objects(&self) -> Result<u64> {
        self.database.peek(|connection| {
            let count =
                connection.query_row("SELECT count(*) FROM object", (), |row| row.get::<_, i64>(0))?;
            Ok(count.unsigned_abs())
        })
    }
}

pub(super) fn outcome_of(connection: &Connection, errand: Errand) -> Step<Option<Remembered>> {
    let sql = "SELECT digest, outcome FROM request WHERE id = ?1";
    let row = connection
        .prepare_cached(sql)?
        .query_row([errand.id], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?)));
    let Some((digest, outcome)) = row.optional()? else { return Ok(None) };
    if digest != errand.digest {
        return Ok(Some(Remembered::Other));
    }
    let unreadable = || Fault::Damaged("the outcome of a request can't be read".to_owned());
    OUTCOMES.decode(&outcome).map(|outcome| Some(Remembered::Outcome(outcome))).ok_or_else(unreadable)
}

pub(super) fn encode(outcome: &Outcome) -> Step<Vec<u8>> {
    Ok(OUTCOMES.encode(outcome)?.to_vec())
}
