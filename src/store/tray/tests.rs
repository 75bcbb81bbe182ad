//! What one process leaves and another takes.

use super::super::keys::TokenKey;
use super::super::record::{Name, Row};
use super::letter::{self, Address};
use super::*;
use crate::token::ObjectId;
use std::convert::Infallible;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(3600);

impl Tray {
    /// One whose leavers wait until they are told.
    pub(in crate::store) fn patient(folder: &Path) -> Tray {
        Tray { moment: LONG, ..Tray::open(folder).unwrap().unwrap() }
    }

    /// One whose owner waits until all have come who wrote together, whenever that was.
    pub(in crate::store) fn expectant(folder: &Path) -> Tray {
        Tray { again: LONG, ..Tray::mindful(folder) }
    }

    /// One whose owner waits for them, but not for long.
    pub(in crate::store) fn mindful(folder: &Path) -> Tray {
        Tray { lately: u64::MAX, ..Tray::patient(folder) }
    }

    /// How many places are in use, and for how many of them nobody has done anything yet.
    pub(in crate::store) fn used_and_left(&self) -> (usize, usize) {
        (PLACES - self.in_state(State::Free).count(), self.in_state(State::Left).count())
    }

    /// What lies in the first place.
    pub(in crate::store) fn first(&self) -> Vec<u8> {
        self.bytes(0)
    }
}

struct Two {
    folder: TempDir,
    one: Tray,
    other: Tray,
}

impl Two {
    fn new() -> Two {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = [(); 2].map(|()| Tray::patient(folder.path()));
        Two { folder, one, other }
    }
}

fn leave<'a>(tray: &'a Tray, bytes: &[u8]) -> Option<Left<'a>> {
    tray.leave(|_| Ok::<_, Infallible>(Some(bytes.to_vec()))).unwrap()
}

/// What comes of it where nobody has to be killed for it.
fn outcome(left: &Left<'_>) -> Outcome {
    left.outcome(|| Err("nothing is unanswered")).unwrap()
}

#[test]
fn what_is_left_is_taken_as_it_is_and_gone_once_its_leaver_knows_it_on_the_disk() {
    let it = Two::new();
    let _lead = it.one.lead().unwrap();
    let all: Vec<Vec<u8>> =
        [0, 1, 8, 9, MOST_BYTES].map(|length| (0..length).map(|n| n as u8 | 1).collect()).into();
    let left: Vec<_> = all.iter().map(|bytes| leave(&it.other, bytes).unwrap()).collect();
    let taken = it.one.take();
    assert!(it.one.take().is_empty());
    assert!(taken.iter().zip(&all).all(|(taken, bytes)| taken.bytes() == *bytes));
    taken.iter().for_each(Taken::committed);
    taken.into_iter().for_each(Taken::done);
    assert!(left.iter().all(|left| outcome(left) == Outcome::Done));
    drop(left);
    assert_eq!(it.one.used_and_left(), (0, 0));
    let file = std::fs::read(it.folder.path().join(FILE)).unwrap();
    assert!(file[ROOM * 8..].iter().all(|byte| *byte == 0));
}

#[test]
fn nothing_is_left_where_nobody_is_about_to_write_or_there_is_no_room() {
    let it = Two::new();
    assert!(leave(&it.other, b"rows").is_none());
    let _lead = it.one.lead().unwrap();
    assert!(it.other.lead().is_none());
    let left: Vec<_> = (0..PLACES).map(|_| leave(&it.other, b"rows").unwrap()).collect();
    assert!(leave(&it.other, b"rows").is_none());
    drop(it.one.take());
    drop(left);
    assert!(it.other.leave(|_| Ok::<_, Infallible>(None)).unwrap().is_none());
    assert_eq!(it.one.used_and_left(), (0, 0));
}

#[test]
fn what_is_taken_and_not_committed_is_its_leavers_to_do() {
    let it = Two::new();
    let _lead = it.one.lead().unwrap();
    let left = leave(&it.other, b"rows").unwrap();
    drop(it.one.take());
    assert_eq!(outcome(&left), Outcome::Own);
}

#[test]
fn who_has_led_calls_one_who_waits_and_he_leads_until_nobody_does() {
    let it = Two::new();
    let lead = it.one.lead().unwrap();
    let [first, second] = [b"rows", b"more"].map(|bytes| leave(&it.other, bytes).unwrap());
    lead.pass_on();
    drop(lead);
    assert_eq!(outcome(&first), Outcome::Own);
    assert!(it.one.lead().is_none(), "the one who was called leads");
    let lead = it.other.lead_anyway();
    assert_eq!(it.other.take().len(), 1);
    assert_eq!(outcome(&second), Outcome::Own);
    drop(lead);
    assert!(it.one.lead().is_some());
}

#[test]
fn who_is_never_called_or_whose_taker_dies_does_not_wait_for_ever() {
    let it = Two::new();
    let hasty = Tray::open(it.folder.path()).unwrap().unwrap();
    std::mem::forget(it.one.lead());
    assert_eq!(outcome(&leave(&hasty, b"rows").unwrap()), Outcome::Own);
    for (is_there, expected) in [(true, Outcome::Committed), (false, Outcome::Own)] {
        let left = leave(&hasty, b"rows").unwrap();
        it.one.take().into_iter().for_each(std::mem::forget);
        let settle = || {
            let unanswered: Vec<_> = it.other.unanswered().collect();
            assert!(unanswered.len() == 1 && unanswered[0].bytes() == b"rows");
            unanswered.iter().filter(|_| is_there).for_each(Taken::committed);
            Ok::<_, Infallible>(())
        };
        assert_eq!(left.outcome(settle).unwrap(), expected);
    }
    assert_eq!(it.one.used_and_left(), (0, 0));
}

#[test]
fn what_a_killed_process_has_left_is_wiped_once_nobody_can_ask_for_it_and_nothing_else_is() {
    let it = Two::new();
    let _lead = it.one.lead().unwrap();
    std::mem::forget(leave(&it.other, &[7; MOST_BYTES]).unwrap());
    it.one.sweep();
    assert_eq!(it.one.used_and_left(), (1, 1), "somebody may still ask for it");
    let long_ago = Word(0).claimed(coarse_milliseconds() + 2 * FORGOTTEN);
    let bytes = || std::fs::read(it.folder.path().join(FILE)).unwrap().split_off(ROOM * 8);
    for state in [State::Held, State::Left, State::Called, State::Committed, State::Done, State::Refused] {
        it.one.words.store(at(0), long_ago.with(state).0);
        it.one.put(0, &[7; MOST_BYTES]);
        it.one.sweep();
        assert_eq!(it.one.used_and_left(), (0, 0), "{state:?}");
        assert!(bytes().iter().all(|byte| *byte == 0), "{state:?}");
    }
    it.one.words.store(at(0), long_ago.with(State::Taken).0);
    it.one.sweep();
    assert_eq!(it.one.used_and_left(), (1, 0), "the store knows what has become of it");
}

#[test]
fn a_tray_of_another_version_or_that_others_may_write_is_not_used() {
    let it = Two::new();
    let file = it.folder.path().join(FILE);
    let open = || Tray::open(it.folder.path()).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o660)).unwrap();
    assert!(open().is_none());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(open().is_some());
    it.one.words.store(VERSION, VERSION_1 + 1);
    assert!(open().is_none());
}

#[test]
fn whatever_stands_in_a_tray_nobody_panics_or_believes_it() {
    let it = Two::new();
    let hasty = Tray::open(it.folder.path()).unwrap().unwrap();
    for word in [1, 7, 0x80, 0xff, u64::MAX] {
        (0..WORDS).filter(|at| *at != VERSION).for_each(|at| it.one.words.store(at, word));
        let _ = leave(&hasty, b"rows").map(|left| left.outcome(|| Err(())));
        it.one.take().iter().for_each(|taken| assert!(taken.bytes().len() <= MOST_BYTES));
        it.one.unanswered().for_each(drop);
        it.one.lead_anyway().pass_on();
    }
}

#[test]
fn a_letter_is_good_only_whole_where_and_when_and_for_what_it_was_written() {
    let [key, other_key] = [(); 2].map(|()| TokenKey::generate("01").unwrap());
    let address = Address { file: (1, 2), format: 2 };
    let name = Name { id: ObjectId([1; 16]), version: 1, owner: Some(1) };
    let row =
        Row { name, tags: [None; 4], public: vec![7; 300], public_mac: None, secret: Some(vec![8; 60]) };
    let rows = [row];
    let claim = Word(0).claimed(5000).claim();
    let letter = letter::write(claim, address, &key, &rows).unwrap().unwrap();
    let open = |bytes: &[u8], claim, now| letter::open(bytes, claim, now, address, &key);
    assert!(open(&letter, claim, 5900).is_some_and(|opened| opened == rows));
    assert!(letter::peek(&letter).is_some_and(|opened| opened == rows));
    assert!(open(&letter, claim, 6001).is_none() && open(&letter, claim, 3999).is_none(), "another time");
    assert!(
        open(&letter, Word(claim << 8).claimed(5000).claim(), 5000).is_none(),
        "another use of the place"
    );
    for other in [Address { file: (1, 3), ..address }, Address { format: 1, ..address }] {
        assert!(letter::open(&letter, claim, 5000, other, &key).is_none(), "{other:?}");
    }
    assert!(letter::open(&letter, claim, 5000, address, &other_key).is_none());
    for at in 0..letter.len() {
        let mut tampered = letter.clone();
        tampered[at] ^= 1;
        assert!(open(&tampered, claim, 5000).is_none() && open(&letter[..at], claim, 5000).is_none(), "{at}");
    }
    let large = [Row { public: vec![7; MOST_BYTES], ..rows[0].clone() }];
    assert!(letter::write(claim, address, &key, &large).unwrap().is_none());
}
