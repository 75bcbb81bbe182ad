//! What processes with one store have beside it to write together: `token.tray`, mapped by each.
//!
//! Who finds that another process is about to write leaves its sealed rows in a *place* of the tray, and waits. Who holds SQLite's write lock next takes all that lies
//! there into its own transaction, and tells each when that is on the disk. Then one of those who have come meanwhile is *called* to be the next to write.
//!
//! The tray only saves time: what is in the store is decided under the write lock, by the store. A process may be killed at any point. What it has left, or was
//! about to do for others, is theirs to do again: whoever has the write lock next looks which of it is in the store. Nobody waits for a sign for longer than
//! he would wait for the lock. docs/store.md tells more.

pub(super) mod letter;
mod word;

#[cfg(test)]
mod tests;

use super::counter::map_writable;
use super::settle::SOON;
use crate::crypto::ffi::clock::coarse_milliseconds;
use crate::crypto::ffi::mapping::SharedCounters;
use std::cell::Cell;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};
use word::{State, Word};

/// Name of the file in the token's folder.
pub(super) const FILE: &str = "token.tray";

/// What the first word says: the rest is as it is described here. Another version has another one, and does not meet this one.
const VERSION_1: u64 = u64::from_le_bytes(*b"tray\0\0\0\x01");

/// Where the version is, who is about to write (0: nobody), and how many processes wrote together when.
const VERSION: usize = 0;
const LED: usize = 1;
const TOGETHER: usize = 2;
/// Bits of their count, lowest; the milliseconds come above.
const COUNT_BITS: u32 = 16;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Places.
const PLACES: usize = 16;
/// Words from one place's to the next: a line of memory.
const APART: usize = 8;
/// Where the words of the places begin.
const PLACE: usize = 8;
/// Words of the head, and of what lies in a place: its length in bytes first.
const ROOM: usize = 512;
const WORDS: usize = ROOM * (1 + PLACES);

/// Most bytes that a place has room for.
pub(super) const MOST_BYTES: usize = (ROOM - 1) * 8;

/// How long to wait for a sign of one who is about to write: it may have been killed.
const MOMENT: Duration = Duration::from_millis(5);
/// How long to wait for another's sync.
const LONG: Duration = Duration::from_millis(20);
/// How long those may be waited for who wrote together: each has an answer to take, a processor to wait for, and another object to make.
const AGAIN: Duration = Duration::from_micros(150);
/// Milliseconds for which they are expected again.
const LATELY: u64 = 10;
/// Milliseconds after which a place belongs to nobody any more.
const FORGOTTEN: u64 = 600_000;

/// A token's tray.
pub(super) struct Tray {
    words: SharedCounters<WORDS>,
    /// [`MOMENT`], but in tests.
    moment: Duration,
    /// How many threads of this process wrote together when.
    threads: AtomicU64,
    /// [`AGAIN`], but in tests.
    again: Duration,
    /// [`LATELY`], but in tests.
    lately: u64,
}

/// What has become of what was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is on the disk.
    Done,
    /// It is committed.
    Committed,
    /// Nobody has done it: it is for who has left it to do.
    Own,
    /// The place was given to somebody else, so late does he ask.
    Forgotten,
    /// The store could not be asked.
    Unknown,
}

impl Tray {
    /// Maps the tray in `folder`, which is made if it is missing; `None` if another version has made it, or others than its owner may write it.
    pub(super) fn open(folder: &Path) -> io::Result<Option<Tray>> {
        let file = folder.join(FILE);
        let words: SharedCounters<WORDS> = map_writable(&file)?;
        let is_owners = std::fs::metadata(&file)?.permissions().mode() & 0o077 == 0;
        words.exchange(VERSION, 0, VERSION_1);
        Ok((is_owners && words.load(VERSION) == VERSION_1).then_some(Tray {
            words,
            moment: MOMENT,
            threads: AtomicU64::new(0),
            again: AGAIN,
            lately: LATELY,
        }))
    }

    /// Says that the caller is about to write, unless another process has said so.
    pub(super) fn lead(&self) -> Option<Lead<'_>> {
        let name = name();
        let is_first = self.words.exchange(LED, 0, name);
        is_first.then(|| Lead { tray: self, name, is_over: Cell::new(false) })
    }

    /// Says it whatever others have said.
    pub(super) fn lead_anyway(&self) -> Lead<'_> {
        let lead = Lead { tray: self, name: name(), is_over: Cell::new(false) };
        self.words.store(LED, lead.name);
        lead
    }

    /// So many threads of this process, and so many processes, have written together.
    pub(super) fn note_together(&self, threads: usize, processes: usize) {
        let noted = |count: usize| coarse_milliseconds() << COUNT_BITS | (count as u64 & COUNT);
        self.threads.store(noted(threads), Ordering::Relaxed);
        self.words.store(TOGETHER, noted(processes));
    }

    /// How many threads of this process, and how many processes, are likely to write together, as they did a moment ago.
    pub(super) fn expected(&self) -> (usize, usize) {
        let now = coarse_milliseconds();
        let is_lately = |noted: u64| now.abs_diff(noted >> COUNT_BITS) < self.lately;
        let expected = |noted: u64| if is_lately(noted) { (noted & COUNT) as usize } else { 0 };
        (expected(self.threads.load(Ordering::Relaxed)), expected(self.words.load(TOGETHER)))
    }

    /// How long they may be waited for, once one of them writes.
    pub(super) fn patience(&self) -> Duration {
        self.again
    }

    /// Leaves what `write` makes for a claim, for the one who is about to write. `None`: there is no room, or nobody is about to write.
    pub(super) fn leave<E>(
        &self,
        write: impl FnOnce(u64) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Left<'_>>, E> {
        let now = coarse_milliseconds();
        let free = |word: Word| word.state() == Some(State::Free);
        let Some((place, held)) = self.claim(now, free) else { return Ok(None) };
        let mut left = Left { tray: self, place, claim: held.claim(), length: 0 };
        let Some(bytes) = write(held.claim())? else { return Ok(None) };
        self.put(place, &bytes);
        left.length = bytes.len();
        if !self.change(place, held, State::Left) {
            return Ok(None);
        }
        // Whoever leads no longer has seen what is left, or is seen not to lead.
        fence(Ordering::SeqCst);
        Ok((self.words.load(LED) != 0 || !left.take_back()).then_some(left))
    }

    /// All that lies there, taken into the caller's transaction: he holds SQLite's write lock.
    pub(super) fn take(&self) -> Vec<Taken<'_>> {
        self.in_state(State::Left)
            .filter_map(|(place, word)| {
                let taken = word.with(State::Taken);
                self.change(place, word, State::Taken).then(|| Taken {
                    tray: self,
                    place,
                    word: Cell::new(taken),
                })
            })
            .collect()
    }

    /// What was taken into a transaction that is over: the caller, who holds SQLite's write lock, has taken nothing yet. Each is refused when it is dropped, unless it is
    /// said to be committed.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = Taken<'_>> {
        let taken = |(place, word)| Taken { tray: self, place, word: Cell::new(word) };
        self.in_state(State::Taken).map(taken)
    }

    /// Frees the places that nobody has asked about for long, and wipes them: who has left something there was killed, or has given up.
    pub(super) fn sweep(&self) {
        let now = coarse_milliseconds();
        let is_used = |word: Word| !matches!(word.state(), Some(State::Free | State::Taken));
        while let Some((place, held)) = self.claim(now, |word| is_used(word) && word.age(now) > FORGOTTEN) {
            drop(Left { tray: self, place, claim: held.claim(), length: MOST_BYTES });
        }
    }

    fn in_state(&self, state: State) -> impl Iterator<Item = (usize, Word)> {
        let places = (0..PLACES).map(|place| (place, self.word(place)));
        places.filter(move |(_, word)| word.state() == Some(state))
    }

    /// Calls one of those who wait to be the next to write; whether there was one.
    fn call_next(&self) -> bool {
        let called = |(place, word)| {
            let is_called = self.change(place, word, State::Called);
            if is_called {
                self.wake(place);
            }
            is_called
        };
        self.in_state(State::Left).any(called)
    }

    /// Claims the first place whose word is such a one.
    fn claim(&self, now: u64, is_such: impl Fn(Word) -> bool) -> Option<(usize, Word)> {
        let words = (0..PLACES).map(|place| (place, self.word(place))).filter(|(_, word)| is_such(*word));
        let claimed = |(place, word): (usize, Word)| {
            let next = word.claimed(now);
            self.words.exchange(at(place), word.0, next.0).then_some((place, next))
        };
        words.filter_map(claimed).next()
    }

    fn word(&self, place: usize) -> Word {
        Word(self.words.load(at(place)))
    }

    /// Changes a place's state, unless its word is another by now; whether it was changed.
    fn change(&self, place: usize, word: Word, state: State) -> bool {
        self.words.exchange(at(place), word.0, word.with(state).0)
    }

    fn wake(&self, place: usize) {
        self.words.wake(at(place), 1);
    }

    /// Waits for another word than this one, but not for long; whether it is still this one. Who is about to be told or called stays awake, for a while.
    fn outlasts(&self, place: usize, word: Word, most: Duration) -> bool {
        let is_soon = match word.state() {
            Some(State::Committed) => true,
            Some(State::Left) => self.in_state(State::Left).next() == Some((place, word)),
            _ => false,
        };
        let began = Instant::now();
        if is_soon && !self.words.stays(at(place), word.0, SOON) {
            return false;
        }
        while self.word(place) == word {
            let Some(rest) = most.checked_sub(began.elapsed()) else { return true };
            // A wake-up may be for what the word has told already.
            self.words.wait(at(place), word.0, rest);
        }
        false
    }

    fn put(&self, place: usize, bytes: &[u8]) {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        for (at, word) in (room(place)..).zip(std::iter::once(bytes.len() as u64).chain(words)) {
            self.words.store(at, word);
        }
    }

    /// What lies in a place. Anybody may change it meanwhile, so nothing is believed of it.
    fn bytes(&self, place: usize) -> Vec<u8> {
        let start = room(place);
        let length =
            usize::try_from(self.words.load(start)).map_or(MOST_BYTES, |length| length.min(MOST_BYTES));
        let words = (start + 1..).take(length.div_ceil(8));
        let mut bytes: Vec<u8> = words.flat_map(|at| self.words.load(at).to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }
}

/// Where a place's word is.
fn at(place: usize) -> usize {
    PLACE + place * APART
}

/// Where its room begins.
fn room(place: usize) -> usize {
    ROOM * (1 + place)
}

/// A name for one who is about to write: no other has it at the time.
fn name() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // A process's number has 22 bits at most. The clock tells those apart that have the same one, in containers.
    (u64::from(std::process::id()) << 42 | (coarse_milliseconds() & 0x3f_ffff) << 20 | (count & 0xf_ffff))
        .max(1)
}

/// The caller is about to write, until it is dropped.
pub(super) struct Lead<'a> {
    tray: &'a Tray,
    name: u64,
    is_over: Cell<bool>,
}

impl Lead<'_> {
    /// Whether nobody else has said so since, who waits for the write lock then.
    pub(super) fn is_alone(&self) -> bool {
        self.tray.words.load(LED) == self.name
    }

    /// Calls the next one, if somebody waits.
    pub(super) fn pass_on(&self) {
        if self.is_over.replace(true) || self.tray.call_next() {
            return;
        }
        self.tray.words.exchange(LED, self.name, 0);
        // Who left something just before that still waits for a sign.
        fence(Ordering::SeqCst);
        self.tray.call_next();
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.pass_on();
    }
}

/// What was left by the caller.
pub(super) struct Left<'a> {
    tray: &'a Tray,
    place: usize,
    claim: u64,
    length: usize,
}

impl Left<'_> {
    /// Waits for what becomes of it. `settle_unanswered`: takes SQLite's write lock and deals with [`Tray::unanswered`].
    pub(super) fn outcome<E>(&self, settle_unanswered: impl Fn() -> Result<(), E>) -> Result<Outcome, E> {
        loop {
            let word = self.tray.word(self.place);
            if word.claim() != self.claim {
                return Ok(Outcome::Forgotten);
            }
            match word.state() {
                Some(State::Left) => {
                    if self.tray.outlasts(self.place, word, self.tray.moment) && self.take_back() {
                        return Ok(Outcome::Own);
                    }
                }
                Some(State::Taken) => {
                    if self.tray.outlasts(self.place, word, self.tray.moment) {
                        settle_unanswered()?;
                    }
                }
                Some(State::Committed) => {
                    if self.tray.outlasts(self.place, word, LONG) {
                        return Ok(Outcome::Committed);
                    }
                }
                Some(State::Done) => return Ok(Outcome::Done),
                Some(State::Called | State::Refused | State::Free | State::Held) => return Ok(Outcome::Own),
                Some(State::Unknown) => return Ok(Outcome::Unknown),
                None => return Ok(Outcome::Forgotten),
            }
        }
    }

    /// Takes it back, unless somebody has taken it or called the caller; whether it was.
    fn take_back(&self) -> bool {
        let left = self.tray.word(self.place);
        left.claim() == self.claim
            && left.state() == Some(State::Left)
            && self.tray.change(self.place, left, State::Held)
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let word = self.tray.word(self.place);
        let is_others = matches!(word.state(), None | Some(State::Left | State::Taken | State::Free));
        if word.claim() != self.claim || is_others {
            return;
        }
        // What is destroyed in the store one day is not to be found here.
        let words = 1 + self.length.div_ceil(8);
        (room(self.place)..).take(words).for_each(|at| self.tray.words.store(at, 0));
        if !self.tray.change(self.place, word, State::Free) {
            // Who had committed it has said just now that it is on the disk, which is the last that is said.
            let word = word.with(State::Done);
            self.tray.change(self.place, word, State::Free);
        }
    }
}

/// What somebody else has left, and the caller does for him. Refused when it is dropped before it is committed.
pub(super) struct Taken<'a> {
    tray: &'a Tray,
    place: usize,
    word: Cell<Word>,
}

impl Taken<'_> {
    /// What was left.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.tray.bytes(self.place)
    }

    /// Which use of its place it is.
    pub(super) fn claim(&self) -> u64 {
        self.word.get().claim()
    }

    /// It is committed.
    pub(super) fn committed(&self) {
        self.tray.change(self.place, self.word.get(), State::Committed);
        self.word.set(self.word.get().with(State::Committed));
    }

    /// Wakes who has left it: it is committed, and about to be on the disk.
    pub(super) fn stir(&self) {
        self.tray.wake(self.place);
    }

    /// It was found committed. Who has left it need not wait for its taker, who may be no more.
    pub(super) fn found(&self) {
        self.committed();
        self.tray.wake(self.place);
    }

    /// Whether it is committed can't be told.
    pub(super) fn unknown(self) {
        if self.tray.change(self.place, self.word.get(), State::Unknown) {
            self.tray.wake(self.place);
        }
    }

    /// It is on the disk too. Where that can't be said, who has left it sees to it.
    pub(super) fn done(self) {
        if self.tray.change(self.place, self.word.get().with(State::Committed), State::Done) {
            self.tray.wake(self.place);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let word = self.word.get();
        if word.state() == Some(State::Taken) && self.tray.change(self.place, word, State::Refused) {
            self.tray.wake(self.place);
        }
    }
}
