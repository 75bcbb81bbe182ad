//! Where an object lies among the others, which its id tells.
//!
//! The table is ordered by number, and in format 2 that is the beginning of the id: finding an object by its id takes no index, and making one writes no page
//! of such an index. Ids begin with the time, so new objects lie one behind the other. Nothing but that rests on the clock.

use super::error::{Error, Fault, Step};
use super::schema::Format;
use crate::crypto;
use crate::error::Result;
use crate::token::ObjectId;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bits of a number: as many as the time needs for a century, so that the numbers behind the last one are numbers too.
const BITS: u32 = 62;

/// Its lower bits that are random, of nanoseconds: about as much as a key takes. What several processes make at once lies nearly in the order in which it is written.
const RANDOM_BITS: u32 = 16;

/// How far behind the last one at most the next number is in the same moment.
const STEP: u64 = 1 << 12;

/// How far behind its place an object may lie at most, in format 2; statements have it written out.
pub(super) const MOST_BEHIND: i64 = 7;

/// Bytes of an id that the number is made of.
const NUMBER: usize = 8;

/// An id for a new object of a store: the time and random bits, 62 bits in all, which ascend in one process, then 64 random bits.
pub fn new_id() -> Result<ObjectId> {
    // Drawn ahead, and forgotten by a child; the store refuses what comes twice all the same.
    let mut id = ObjectId([0; 16]);
    crypto::random(&mut id.0)?;
    let (number, _) = id.0.split_at_mut(NUMBER);
    let random = number.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    number.copy_from_slice(&next_number(&LAST, now(), random).to_be_bytes());
    Ok(id)
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

/// The last number that this process was given.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A number of this time, or behind the last one.
fn next_number(last: &AtomicU64, now: u64, random: u64) -> u64 {
    let low = (1 << RANDOM_BITS) - 1;
    let most = (1 << BITS) - 1;
    let drawn = (now & !low | random & low) & most;
    let after = |last: u64| if drawn > last { drawn } else { last.wrapping_add(1 + random % STEP) & most };
    let last = last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
    after(last.unwrap_or_default())
}

/// The first of the numbers that the object of this id may have in format 2: the beginning of the id, which may be any for objects made by format 1.
pub(super) fn of(id: ObjectId) -> i64 {
    let bits = id.0.iter().take(NUMBER).fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
    (bits & ((1 << BITS) - 1)).cast_signed()
}

/// Damage, if the object of this id lies where nobody who looks for it by its id would find it.
pub(super) fn check(format: Format, id: ObjectId, number: i64) -> Step<()> {
    let first = of(id);
    let is_there = format == Format::One || (first..=first + MOST_BEHIND).contains(&number);
    let why = || Fault::Damaged(format!("object {}: it does not lie where its id says", id.to_hex()));
    if is_there { Ok(()) } else { Err(why()) }
}

/// Damage, if one of the places for this id has a row that does not belong there: it may be this object's, its id changed.
pub(super) fn check_strangers(connection: &Connection, format: Format, id: ObjectId) -> Step<()> {
    if format == Format::One {
        return Ok(());
    }
    let sql = "SELECT id, number FROM object WHERE number BETWEEN ?1 AND ?1 + 7";
    let mut neighbours = connection.prepare_cached(sql)?;
    let mut rows = neighbours.query([of(id)])?;
    while let Some(row) = rows.next()? {
        let number = row.get(1)?;
        let belongs = row.get(0).is_ok_and(|id| check(format, ObjectId(id), number).is_ok());
        if !belongs {
            let what = "a row that does not belong there lies where its id says";
            return Err(Fault::Damaged(format!("object {}: {what}", id.to_hex())));
        }
    }
    Ok(())
}

/// `Exists`, unless an object of this id finds a place in every store that holds these objects, whatever its format and in whatever order it was filled. What may lie in one of
/// its eight places has its own first one at most seven before or behind.
pub(super) fn require_room(connection: &Connection, format: Format, id: ObjectId) -> Step<()> {
    let first = of(id);
    let (low, high) = ((first - MOST_BEHIND).max(0), (first + MOST_BEHIND).min((1 << BITS) - 1));
    let sql = format!("SELECT count(*) FROM object WHERE {} BETWEEN ?1 AND ?2", format.ordered_by());
    let mut near = connection.prepare_cached(&sql)?;
    let count: i64 = match format {
        Format::One => (0..1 << (u64::BITS - BITS))
            .map(|top: u64| {
                let id = |number: i64, rest| {
                    [&(top << BITS | number.cast_unsigned()).to_be_bytes()[..], &[rest; 8]].concat()
                };
                near.query_row((id(low, 0), id(high, u8::MAX)), |row| row.get::<_, i64>(0))
            })
            .sum::<rusqlite::Result<_>>()?,
        Format::Two => near.query_row((low, high + MOST_BEHIND), |row| row.get(0))?,
    };
    if count <= MOST_BEHIND { Ok(()) } else { Err(Error::Exists.into()) }
}

impl Format {
    /// What tells of a row how its id begins.
    const fn ordered_by(self) -> &'static str {
        match self {
            Format::One => "id",
            Format::Two => "number",
        }
    }

    /// What the row of an object's id answers to; the id is parameter 1, [`of`] it parameter 2. Two ids that begin alike have neighbouring numbers; that nine of them
    /// do is beyond chance.
    pub(super) const fn by_id(self) -> &'static str {
        match self {
            // There its number is any.
            Format::One => "id = ?1 AND ?2 IS NOT NULL",
            Format::Two => "number BETWEEN ?2 AND ?2 + 7 AND id = ?1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_ascend_in_the_order_they_were_made_by_a_process_and_none_comes_twice() {
        let ids: Vec<ObjectId> = (0..1000).map(|_| new_id().unwrap()).collect();
        assert!(ids.is_sorted_by(|one, next| of(*one) < of(*next)));
        let draw = || (0..1000).map(|_| new_id().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let all: HashSet<i64> = threads.into_iter().flat_map(|it| it.join().unwrap()).map(of).collect();
        assert_eq!(all.len(), 4000);
    }

    #[test]
    fn numbers_ascend_also_where_the_clock_stands_or_goes_back() {
        let (ahead, given) = (now(), AtomicU64::new(0));
        let mut last = next_number(&given, ahead, 0);
        for now in [ahead, ahead, 0, 0, ahead - 1] {
            let next = next_number(&given, now, 5);
            assert!(next > last && next - last <= STEP);
            last = next;
        }
    }

    #[test]
    fn numbers_ascend_also_where_the_clock_is_beyond_them() {
        for now in [1 << BITS, (1 << BITS) + (5 << RANDOM_BITS), u64::MAX] {
            let given = AtomicU64::new(0);
            let numbers = [9, 7, 8].map(|random| next_number(&given, now, random));
            assert!(numbers.is_sorted_by(|one, next| one < next), "{now}: {numbers:?}");
            assert!(numbers.iter().all(|number| *number < 1 << BITS));
        }
    }

    #[test]
    fn every_id_has_a_place_with_room_behind_it() {
        assert_eq!(of(ObjectId([0xff; 16])), (1 << BITS) - 1);
        assert_eq!(of(ObjectId(std::array::from_fn(|at| at as u8))), 0x0001_0203_0405_0607);
    }
}
