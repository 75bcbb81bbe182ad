//! Several processes that write together, by what they leave for each other.

use super::super::objects::{Lot, put_all};
use super::super::tray::letter;
use super::super::tray::{Taken, Tray};
use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

/// Another process, which waits until it is told what has become of what it leaves.
fn patient(it: &Fixture) -> Store {
    with_tray(it, Tray::patient(it.folder.path()))
}

/// A process with that tray.
fn with_tray(it: &Fixture, tray: Tray) -> Store {
    let mut store = it.again();
    store.database.tray = once_cell::sync::OnceCell::with_value(Some(tray));
    store
}

fn until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::yield_now();
    }
}

fn left(tray: &Tray) -> usize {
    tray.used_and_left().1
}

/// Lets each process insert the record of its number, once those before it have left theirs on the tray.
fn leave_one_by_one<'scope, 'it: 'scope>(
    scope: &'scope Scope<'scope, 'it>,
    it: &'it Fixture,
    tray: &Tray,
    stores: &'it [Store],
) -> Vec<ScopedJoinHandle<'scope, Result<Option<Moved>>>> {
    let leave = |(number, store): (u8, &'it Store)| {
        let inserting = scope.spawn(move || store.insert(it.viewer(), &[record(number, Some(it.user))]));
        until(|| left(tray) == usize::from(number));
        inserting
    };
    (1..).zip(stores).map(leave).collect()
}

#[test]
fn processes_that_come_together_share_a_transaction_and_none_is_told_before_it_is_on_the_disk() {
    let it = Fixture::new();
    let tray = Tray::patient(it.folder.path());
    let stores: Vec<Store> = (0..4).map(|_| patient(&it)).collect();
    let syncs = commit::Gate::before(&stores[0]);
    let lead = tray.lead().unwrap();
    let before = it.store.counter().unwrap();
    std::thread::scope(|scope| {
        let all = leave_one_by_one(scope, &it, &tray, &stores);
        // The first is called, and does it for all.
        drop(lead);
        until(|| syncs.syncs() == 1);
        assert!(all.iter().all(|inserting| !inserting.is_finished()));
        syncs.open();
        let moved: Vec<_> = all.into_iter().map(|inserting| inserting.join().unwrap().unwrap()).collect();
        assert_eq!(moved, [Some(Moved { from: None, to: before + 2 }), None, None, None]);
    });
    assert_eq!((it.store.counter(), tray.used_and_left()), (Some(before + 2), (0, 0)));
    assert!((1..=4).all(|number| version_of(&it.store, id(number)) == Some(1)));
    assert!(it.problems().is_empty());
}

#[test]
fn what_another_process_leaves_while_a_transaction_is_open_is_taken_into_it() {
    let it = Fixture::new();
    let (other, tray) = (patient(&it), Tray::patient(it.folder.path()));
    let begun = Arc::new(AtomicBool::new(false));
    let before = it.store.counter().unwrap();
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| {
            until(|| begun.load(Ordering::SeqCst));
            other.insert(it.viewer(), &[record(1, Some(it.user))])
        });
        let (lot, begins) = (Lot { key: it.key.clone(), new: None }, begun.clone());
        let written = it.store.database.write_together(Some(lot), move |_| {
            begins.store(true, Ordering::SeqCst);
            until(|| left(&tray) == 1);
            Ok(())
        });
        assert!(written.is_ok() && inserting.join().unwrap().is_ok());
    });
    assert_eq!((it.store.counter(), version_of(&it.store, id(1))), (Some(before + 2), Some(1)));
    assert!(it.problems().is_empty());
}

#[test]
fn what_another_thread_leaves_while_a_transaction_is_open_is_taken_into_it() {
    let it = Fixture::new();
    let (begun, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let before = it.store.counter().unwrap();
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| {
            until(|| begun.load(Ordering::SeqCst));
            it.store.insert(it.viewer(), &[record(1, Some(it.user))])
        });
        let waiting = scope.spawn(|| {
            until(|| it.store.database.queue.len() == 1);
            came.store(true, Ordering::SeqCst);
        });
        let (lot, begins, come) = (Lot { key: it.key.clone(), new: None }, begun.clone(), came.clone());
        let written = it.store.database.write_together(Some(lot), move |_| {
            begins.store(true, Ordering::SeqCst);
            until(|| come.load(Ordering::SeqCst));
            Ok(())
        });
        waiting.join().unwrap();
        assert!(written.is_ok() && inserting.join().unwrap().is_ok());
    });
    assert_eq!((it.store.counter(), version_of(&it.store, id(1))), (Some(before + 2), Some(1)));
    assert!(it.problems().is_empty());
}

#[test]
fn who_wrote_together_with_others_a_moment_ago_is_waited_for_before_the_commit() {
    let it = Fixture::new();
    let (one, other) = (with_tray(&it, Tray::expectant(it.folder.path())), patient(&it));
    Tray::patient(it.folder.path()).note_together(1, 2);
    let begun = Arc::new(AtomicBool::new(false));
    let before = it.store.counter().unwrap();
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| {
            until(|| begun.load(Ordering::SeqCst));
            // Time enough for who waits for nobody to commit.
            (0..1000).for_each(|_| std::thread::yield_now());
            other.insert(it.viewer(), &[record(1, Some(it.user))])
        });
        let (lot, begins) = (Lot { key: it.key.clone(), new: None }, begun.clone());
        let written = one.database.write_together(Some(lot), move |_| {
            begins.store(true, Ordering::SeqCst);
            Ok(())
        });
        assert!(written.is_ok() && inserting.join().unwrap().is_ok());
    });
    assert_eq!((it.store.counter(), version_of(&it.store, id(1))), (Some(before + 2), Some(1)));
    assert!(it.problems().is_empty());
}

#[test]
fn who_does_not_come_again_is_waited_for_once_and_not_for_ever() {
    let it = Fixture::new();
    let (one, tray) = (with_tray(&it, Tray::mindful(it.folder.path())), Tray::mindful(it.folder.path()));
    tray.note_together(1, 5);
    assert_eq!(tray.expected(), (1, 5));
    one.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    assert_eq!((tray.expected().1, version_of(&it.store, id(1))), (1, Some(1)));
}

#[test]
fn each_of_several_processes_is_refused_by_itself() {
    let it = Fixture::new();
    let tray = Tray::patient(it.folder.path());
    it.store.insert(it.viewer(), &[record(2, Some(it.user))]).unwrap();
    let stores: Vec<Store> = (0..3).map(|_| patient(&it)).collect();
    let lead = tray.lead().unwrap();
    std::thread::scope(|scope| {
        let all = leave_one_by_one(scope, &it, &tray, &stores);
        drop(lead);
        let told: Vec<_> = all.into_iter().map(|inserting| inserting.join().unwrap()).collect();
        assert!(told[0].is_ok() && matches!(told[1], Err(Error::Exists)) && told[2].is_ok(), "{told:?}");
    });
    assert_eq!(tray.used_and_left(), (0, 0));
    assert!(it.problems().is_empty());
}

#[test]
fn what_was_left_for_a_process_that_dies_before_its_commit_is_done_once() {
    let it = Fixture::new();
    let (tray, other) = (Tray::patient(it.folder.path()), it.again());
    std::mem::forget(tray.lead());
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| other.insert(it.viewer(), &[record(1, Some(it.user))]));
        // Unless it has waited so long already that it does it.
        until(|| {
            tray.take().into_iter().for_each(std::mem::forget);
            tray.used_and_left() == (1, 0) || inserting.is_finished()
        });
        assert!(inserting.join().unwrap().is_ok());
    });
    assert_eq!((version_of(&it.store, id(1)), tray.used_and_left()), (Some(1), (0, 0)));
    assert!(it.problems().is_empty());
}

#[test]
fn what_a_process_has_committed_for_another_and_died_is_not_done_again_even_if_it_was_destroyed_since() {
    let it = Fixture::new();
    let tray = Tray::patient(it.folder.path());
    for is_destroyed in [false, true] {
        let (other, number) = (patient(&it), 1 + u8::from(is_destroyed));
        let lead = tray.lead_anyway();
        std::thread::scope(|scope| {
            let inserting = scope.spawn(|| other.insert(it.viewer(), &[record(number, Some(it.user))]));
            until(|| left(&tray) == 1);
            let rows = letter::peek(&tray.first()).unwrap();
            it.store.database.write(|writer| put_all(writer, &it.key, rows.iter(), Vec::new)).unwrap();
            let taken: Vec<Taken<'_>> = tray.take();
            taken.into_iter().for_each(std::mem::forget);
            // The next one who writes sees to it.
            if is_destroyed {
                it.store.delete(it.viewer(), id(number)).unwrap();
            } else {
                it.store.insert(it.viewer(), &[record(9, Some(it.user))]).unwrap();
            }
            assert!(inserting.join().unwrap().is_ok());
        });
        drop(lead);
        assert_eq!(version_of(&it.store, id(number)).is_some(), !is_destroyed);
        assert_eq!(tray.used_and_left(), (0, 0));
    }
    assert!(it.problems().is_empty());
}

#[test]
fn where_the_store_cannot_tell_whether_it_was_committed_its_leaver_is_told_so_and_does_not_make_it_twice() {
    let it = Fixture::new();
    let (tray, other) = (Tray::patient(it.folder.path()), patient(&it));
    let lead = tray.lead_anyway();
    std::thread::scope(|scope| {
        let inserting = scope.spawn(|| other.insert(it.viewer(), &[record(1, Some(it.user))]));
        until(|| left(&tray) == 1);
        let rows = letter::peek(&tray.first()).unwrap();
        it.store.database.write(|writer| put_all(writer, &it.key, rows.iter(), Vec::new)).unwrap();
        tray.take().into_iter().for_each(std::mem::forget);
        // It can't be read when the next one writes.
        it.tamper("UPDATE object SET version = 'one'");
        it.store.delete(it.viewer(), id(9)).unwrap_err();
        it.tamper("UPDATE object SET version = 1");
        let told = inserting.join().unwrap();
        assert!(matches!(told, Err(Error::Failed(..))), "{told:?}");
    });
    drop(lead);
    assert_eq!((version_of(&it.store, id(1)), tray.used_and_left()), (Some(1), (0, 0)));
    assert!(it.problems().is_empty());
}

#[test]
fn nobody_enters_what_was_not_written_by_who_has_the_token_key_just_now() {
    let it = Fixture::new();
    let tray = Tray::patient(it.folder.path());
    // Overheard: what was left once.
    let other = patient(&it);
    let lead = tray.lead().unwrap();
    let overheard = std::thread::scope(|scope| {
        let inserting = scope.spawn(|| other.insert(it.viewer(), &[record(1, Some(it.user))]));
        until(|| left(&tray) == 1);
        let overheard = tray.first();
        drop(lead);
        inserting.join().unwrap().unwrap();
        overheard
    });
    it.store.delete(it.viewer(), id(1)).unwrap();
    for bytes in [overheard, vec![0; 100], Vec::new()] {
        let lead = tray.lead().unwrap();
        let forged = tray.leave(|_| Ok::<_, Error>(Some(bytes))).unwrap().unwrap();
        drop(lead);
        // Who was called does not come.
        let _lead = tray.lead_anyway();
        let again = tray.leave(|_| Ok::<_, Error>(Some(tray.first()))).unwrap().unwrap();
        it.store.delete(it.viewer(), id(9)).unwrap_err();
        assert_eq!(left(&tray), 0);
        let told = [forged, again].map(|left| left.outcome(|| Err(())).unwrap());
        assert_eq!(told, [super::super::tray::Outcome::Own; 2]);
        assert_eq!(version_of(&it.store, id(1)), None);
    }
    assert!(it.problems().is_empty());
}
