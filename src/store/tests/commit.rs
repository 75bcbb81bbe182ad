//! Changes on their way to the disk: who waits for whom, and what is answered when.

use super::super::counter::REFUSED;
use super::super::settle::Hook;
use super::*;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Has `hook` happen at each sync of this store.
fn at_each_sync(store: &Store, hook: Option<Hook>) {
    let database = &store.database;
    let log = match &database.replica {
        Some(replica) => replica.log.clone(),
        None => database.slot.lock().log(database.path()).unwrap().unwrap(),
    };
    *log.hook.lock() = hook;
}

/// How long the log beside a token's database is.
fn log_length(folder: &TempDir) -> u64 {
    std::fs::metadata(folder.path().join("token.db-wal")).unwrap().len()
}

/// A disk that lets nothing through before it is opened.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<bool>, Condvar, AtomicUsize)>);

impl Gate {
    pub(super) fn before(store: &Store) -> Gate {
        let gate = Gate::default();
        let seen = gate.clone();
        let hook = move || {
            let (is_open, opened, syncs) = &*seen.0;
            syncs.fetch_add(1, Ordering::SeqCst);
            let mut is_open = is_open.lock();
            while !*is_open {
                opened.wait(&mut is_open);
            }
            Ok(())
        };
        at_each_sync(store, Some(Box::new(hook)));
        gate
    }

    pub(super) fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Syncs that have come to the gate.
    pub(super) fn syncs(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }
}

fn until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::yield_now();
    }
}

/// The version of an object, on the disk or not.
fn version_seen(it: &Fixture, number: u8) -> Option<i64> {
    let read = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT version FROM object WHERE id = ?1")?;
        Ok(statement.query_map([id(number).0], |row| row.get(0))?.next().transpose()?)
    };
    it.store.database.glance(read).unwrap()
}

/// One who has committed object 2 while the disk is at work for another, and waits for it: whoever comes now leaves its work in the queue.
fn leader<'scope>(scope: &'scope std::thread::Scope<'scope, '_>, it: &'scope Fixture) -> Joined<'scope> {
    let leads = scope.spawn(|| it.store.insert(it.viewer(), &[record(2, Some(it.user))]));
    until(|| version_seen(it, 2) == Some(1));
    leads
}

/// A disk that takes nothing.
fn failing() -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EIO))
}

type Joined<'scope> = std::thread::ScopedJoinHandle<'scope, Result<Option<Moved>>>;

fn refusals(store: &Store) -> u64 {
    store.database.counter().mapped().unwrap().load(REFUSED)
}

#[test]
fn many_who_come_while_the_disk_is_at_work_wait_for_it_once_and_nobody_is_answered_before() {
    let it = Fixture::new();
    let insert = |number| {
        let it = &it;
        move || it.store.insert(it.viewer(), &[record(number, Some(it.user))])
    };
    let gate = Gate::before(&it.store);
    std::thread::scope(|scope| {
        let first = scope.spawn(insert(1));
        until(|| gate.syncs() == 1);
        let second = leader(scope, &it);
        let others: Vec<_> = (3..10).map(|number| scope.spawn(insert(number))).collect();
        until(|| it.store.database.queue.len() == 7);
        assert!(!first.is_finished() && !second.is_finished());
        assert!(others.iter().all(|other| !other.is_finished()));
        gate.open();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
        let moved: Vec<_> = others.into_iter().map(|other| other.join().unwrap().unwrap()).collect();
        assert!(moved.iter().all(|one| *one == moved[0]), "one commit: {moved:?}");
    });
    assert_eq!(gate.syncs(), 3);
    assert!((1..10).all(|number| version_of(&it.store, id(number)) == Some(1)));
    assert!(it.problems().is_empty());
}

#[test]
fn each_of_those_who_share_a_transaction_is_refused_by_itself() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    let gate = Gate::before(&it.store);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| it.store.insert(it.viewer(), &[record(4, Some(it.user))]));
        until(|| gate.syncs() == 1);
        let second = leader(scope, &it);
        // The second object of the first one's is there already: nothing of it may stay.
        let refused = scope.spawn(|| it.store.insert(it.viewer(), &[plain(3), record(1, Some(it.user))]));
        let gone = scope.spawn(|| it.store.delete(it.viewer(), id(9)));
        let kept = scope.spawn(|| it.store.delete(it.viewer(), id(1)));
        until(|| it.store.database.queue.len() == 3);
        gate.open();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
        // The order in which they came is anybody's guess, and so is whether the object had gone.
        let refused = refused.join().unwrap();
        assert!(matches!(gone.join().unwrap(), Err(Error::Gone)));
        kept.join().unwrap().unwrap();
        assert_eq!(version_of(&it.store, id(3)).is_some(), refused.is_ok());
    });
    assert!(it.problems().is_empty());
}

#[test]
fn a_commit_whose_sync_fails_is_not_answered_as_done_and_nothing_rests_on_it_before_it_is_on_the_disk() {
    let it = Fixture::new();
    at_each_sync(&it.store, Some(Box::new(failing)));
    let refused = it.store.insert(it.viewer(), &[record(1, Some(it.user))]);
    assert!(matches!(refused, Err(Error::Failed(..))), "{refused:?}");
    assert_eq!(refusals(&it.store), 1);
    assert!(log_length(&it.folder) > 0);
    // What can be seen now has been brought to the disk another way.
    let other = it.again();
    let seen = other.get(it.viewer(), id(1)).unwrap();
    assert_eq!(log_length(&it.folder), 0, "the log that the disk refused is not written behind");
    assert_eq!(refusals(&it.store), 0);
    at_each_sync(&it.store, None);
    it.store.insert(it.viewer(), &[record(2, Some(it.user))]).unwrap();
    assert_eq!(it.store.get(it.viewer(), id(1)).unwrap(), seen);
    assert!(it.problems().is_empty());
}

#[test]
fn who_has_committed_behind_one_whose_sync_fails_is_answered_when_the_log_has_been_brought_into_the_database()
{
    let it = Fixture::new();
    let (syncs, may_fail) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, allowed) = (syncs.clone(), may_fail.clone());
    let failing = move || {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        until(|| allowed.load(Ordering::SeqCst) == 1);
        if is_first { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
    };
    at_each_sync(&it.store, Some(Box::new(failing)));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| it.store.insert(it.viewer(), &[record(1, Some(it.user))]));
        until(|| syncs.load(Ordering::SeqCst) == 1);
        let second = leader(scope, &it);
        may_fail.store(1, Ordering::SeqCst);
        assert!(matches!(first.join().unwrap(), Err(Error::Failed(..))));
        second.join().unwrap().unwrap();
    });
    assert_eq!((log_length(&it.folder), refusals(&it.store)), (0, 0));
    assert_eq!(syncs.load(Ordering::SeqCst), 1, "a sync behind one that has failed proves nothing");
    assert!(it.problems().is_empty());
}

#[test]
fn a_commit_that_has_come_after_another_process_has_mended_the_log_is_synced_itself() {
    let it = Fixture::new();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = syncs.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    at_each_sync(&it.store, Some(Box::new(count)));
    let database = &it.store.database;
    let counters = database.counter().mapped().unwrap();
    let slot = database.slot.lock();
    let log = slot.log(database.path()).unwrap().unwrap();
    // The other has emptied the log, and is about to say so.
    counters.raise(REFUSED, 1);
    let committed = database.counter().begin().unwrap().moved().to;
    let has_turn = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let settling =
            scope.spawn(|| database.settle(committed, &log, || has_turn.store(true, Ordering::SeqCst)));
        // It has the log's turn, and finds that it has to mend.
        until(|| has_turn.load(Ordering::SeqCst));
        (0..1000).for_each(|_| std::thread::yield_now());
        assert!(counters.exchange(REFUSED, 1, 0));
        drop(slot);
        settling.join().unwrap().unwrap();
    });
    assert_eq!(syncs.load(Ordering::SeqCst), 1);
}

#[test]
fn who_reads_what_another_process_has_not_yet_on_the_disk_has_it_synced_first() {
    let it = Fixture::new();
    let gate = Gate::before(&it.store);
    let other = it.again();
    other.meta().unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = syncs.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    at_each_sync(&other, Some(Box::new(count)));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| it.store.insert(it.viewer(), &[record(1, Some(it.user))]));
        until(|| gate.syncs() == 1);
        assert!(other.get(it.viewer(), id(1)).unwrap().is_some());
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
        // Known to be on the disk by now.
        assert!(other.get(it.viewer(), id(1)).unwrap().is_some());
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
        assert!(!writing.is_finished());
        gate.open();
        writing.join().unwrap().unwrap();
    });
}

#[test]
fn a_call_that_panics_in_a_shared_transaction_holds_nobody_up() {
    let it = Fixture::new();
    let gate = Gate::before(&it.store);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| it.store.insert(it.viewer(), &[record(1, Some(it.user))]));
        until(|| gate.syncs() == 1);
        let second = leader(scope, &it);
        let panics = scope.spawn(|| it.store.database.write_together(None, |_| panic!("on purpose")));
        until(|| it.store.database.queue.len() == 1);
        let beside = scope.spawn(|| it.store.insert(it.viewer(), &[record(3, Some(it.user))]));
        until(|| it.store.database.queue.len() == 2);
        gate.open();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
        // The one that panics leads.
        assert!(panics.join().is_err());
        assert!(matches!(beside.join().unwrap(), Err(Error::Failed(..))));
    });
    assert_eq!(version_of(&it.store, id(3)), None);
    it.store.insert(it.viewer(), &[record(3, Some(it.user))]).unwrap();
    assert!(it.problems().is_empty());
}

#[test]
fn the_log_stays_short_however_many_processes_write() {
    let it = Fixture::new();
    let stores: Vec<Store> = (0..3).map(|_| it.again()).collect();
    std::thread::scope(|scope| {
        for (at, store) in (0u8..).zip(&stores) {
            let it = &it;
            scope.spawn(move || {
                for number in 0..80 {
                    let mut large = record(at * 80 + number, Some(it.user));
                    large.public.set(ck::CKA_APPLICATION, vec![7u8; 50_000]);
                    store.insert(it.viewer(), &[large]).unwrap();
                }
            });
        }
    });
    // Written in all: some 240 times 13 pages.
    let length = log_length(&it.folder);
    assert!(length < 2300 * 4096, "{length} bytes");
    assert!(it.problems().is_empty());
}

/// A node's store that has applied one entry.
fn node() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_replica(folder.path()).unwrap();
    store.apply(&[], &[1], b"first").unwrap();
    (folder, store)
}

#[test]
fn a_node_whose_disk_refuses_its_log_makes_no_snapshot_before_the_log_has_been_brought_into_the_database() {
    let (folder, store) = node();
    let copy = |name: &str| store.copy(&folder.path().join(name));
    at_each_sync(&store, Some(Box::new(failing)));
    assert!(matches!(copy("refused"), Err(Error::Failed(..))));
    assert!(log_length(&folder) > 0 && refusals(&store) == 1);
    // The disk takes things again, and has forgotten what it refused.
    at_each_sync(&store, None);
    assert_eq!(copy("taken").unwrap(), b"first");
    assert_eq!((log_length(&folder), refusals(&store)), (0, 0));
}

#[test]
fn a_node_begins_with_an_empty_log_whatever_an_earlier_run_has_been_told_by_the_disk() {
    let (folder, store) = node();
    at_each_sync(&store, Some(Box::new(failing)));
    assert!(store.copy(&folder.path().join("refused")).is_err());
    drop(store);
    assert!(log_length(&folder) > 0);
    let store = Store::open_replica(folder.path()).unwrap();
    assert_eq!((log_length(&folder), refusals(&store)), (0, 0));
    assert_eq!(store.applied().unwrap(), b"first");
}

#[test]
fn a_copy_of_a_nodes_store_can_be_opened_in_its_place() {
    let (_folder, store) = node();
    let copy = tempfile::tempdir().unwrap();
    store.copy(&copy.path().join("token.db")).unwrap();
    let copied = Store::open_replica(copy.path()).unwrap();
    copied.apply(&[], &[2], b"second").unwrap();
    assert_eq!(copied.applied().unwrap(), b"second");
    assert!(copied.had_node(1).unwrap() && log_length(&copy) > 0);
}

#[test]
fn a_node_syncs_its_log_through_one_descriptor_as_long_as_it_runs() {
    let (folder, store) = node();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = syncs.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    at_each_sync(&store, Some(Box::new(count)));
    store.copy(&folder.path().join("one")).unwrap();
    // A connection in a transaction that could not be ended is opened anew.
    *store.database.slot.lock() = Default::default();
    store.copy(&folder.path().join("two")).unwrap();
    store.install(&folder.path().join("two"), b"second").unwrap();
    assert_eq!(syncs.load(Ordering::SeqCst), 3);
}
