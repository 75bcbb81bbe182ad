//! What is left for another process to write: new rows, sealed already, and a MAC under the token key. Who can only write the tray can make nobody enter
//! anything on the roster: neither what nobody has sealed, nor what was left earlier, or in another store.

use super::super::keys::TokenKey;
use super::super::record::Row;
use super::super::schema::Format;
use super::super::seal;
use super::MOST_BYTES;
use super::word;
use crate::codec::Codec;
use openssl::error::ErrorStack;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// Its encoding.
const CODEC: Codec = Codec::short(1, MOST_BYTES as u64);

/// Bytes of the MAC, which comes first.
const MAC: usize = 32;

/// Milliseconds for which a letter is good. Who has left it waits for less, and then does it.
const GOOD: u64 = 1000;

/// Where it may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Address {
    /// Device and inode of the store's file.
    pub(in crate::store) file: (u64, u64),
    /// The number of its format.
    pub(in crate::store) format: i32,
}

impl Address {
    /// The store in this file, of this format.
    pub(in crate::store) fn new(file: (u64, u64), format: Format) -> Address {
        Address { file, format: format as i32 }
    }
}

#[derive(Serialize, Deserialize)]
struct Letter<Rows> {
    /// Which use of its place on the tray it is, and since when.
    claim: u64,
    /// When it was written, in milliseconds since 1970: the clock of the claim begins anew with the machine.
    written: u64,
    address: Address,
    key: [u8; 16],
    rows: Rows,
}

/// Writes it; `None` if it has no room on a tray.
pub(in crate::store) fn write(
    claim: u64,
    address: Address,
    key: &TokenKey,
    rows: &[Row],
) -> Result<Option<Vec<u8>>, ErrorStack> {
    written(since_1970(), claim, address, key, rows)
}

fn written(
    written: u64,
    claim: u64,
    address: Address,
    key: &TokenKey,
    rows: &[Row],
) -> Result<Option<Vec<u8>>, ErrorStack> {
    let letter = Letter { claim, written, address, key: *key.id(), rows };
    let Ok(body) = CODEC.encode(&letter) else { return Ok(None) };
    let mut bytes = Vec::with_capacity(MAC + body.len());
    bytes.extend_from_slice(&mac(key, &body)?);
    bytes.extend_from_slice(&body);
    Ok((bytes.len() <= MOST_BYTES).then_some(bytes))
}

/// The rows, if it is authentic, and for this claim, address and key, at this time.
pub(in crate::store) fn open(
    bytes: &[u8],
    claim: u64,
    now: u64,
    address: Address,
    key: &TokenKey,
) -> Option<Vec<Row>> {
    let (stored, body) = bytes.split_at_checked(MAC)?;
    if word::age(claim, now) > GOOD || !seal::same(&mac(key, body).ok()?, stored) {
        return None;
    }
    let letter: Letter<Vec<Row>> = CODEC.decode(body)?;
    let is_new = letter.written.abs_diff(since_1970()) <= GOOD;
    let is_ours = is_new && letter.claim == claim && letter.address == address && letter.key == *key.id();
    is_ours.then_some(letter.rows)
}

/// The rows, authentic or not: for comparing.
pub(in crate::store) fn peek(bytes: &[u8]) -> Option<Vec<Row>> {
    let (_, body) = bytes.split_at_checked(MAC)?;
    CODEC.decode::<Letter<Vec<Row>>>(body).map(|letter| letter.rows)
}

fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn mac(key: &TokenKey, body: &[u8]) -> Result<[u8; MAC], ErrorStack> {
    seal::mac(key.roster(), &[b"left on the tray", body])
}

#[cfg(test)]
mod tests {
    use super::super::super::record::Name;
    use super::*;
    use crate::token::ObjectId;

    #[test]
    fn a_letter_overheard_before_the_machine_was_started_anew_is_not_good_when_its_clock_stands_there_again()
    {
        let (key, now) = (TokenKey::generate("01").unwrap(), since_1970());
        let address = Address { file: (1, 2), format: 2 };
        let name = Name { id: ObjectId([1; 16]), version: 1, owner: Some(1) };
        let row = Row { name, tags: [None; 4], public: vec![7], public_mac: None, secret: None };
        let is_good = |at| {
            let letter = written(at, 9, address, &key, std::slice::from_ref(&row)).unwrap().unwrap();
            open(&letter, 9, 0, address, &key).is_some()
        };
        // Far enough from a second for whatever this takes.
        assert!(!is_good(now - 60_000) && !is_good(now + 3_600_000));
        assert!((0..3).any(|_| is_good(since_1970())));
    }
}
