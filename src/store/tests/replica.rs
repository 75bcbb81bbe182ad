//! Stores that are one: what all have agreed on, and nothing else.

use super::*;
use errand::Errand;
use parking_lot::Mutex;
use std::sync::{Arc, Barrier};

/// Three stores, and a log that each follows.
struct Cluster {
    folders: Vec<TempDir>,
    stores: Vec<Arc<Store>>,
    log: Arc<Log>,
}

/// The log, and what is to happen to the commands that come next.
#[derive(Default)]
struct Log {
    commands: Mutex<Vec<Vec<u8>>>,
    stores: Mutex<Vec<Arc<Store>>>,
    /// Of the next command: applied, but its answer is lost.
    loses_answer: Mutex<bool>,
    /// The same, of the command after the next.
    loses_second: std::sync::atomic::AtomicBool,
}

impl Log {
    /// Every store applies the command, at the next position.
    fn append(&self, command: Vec<u8>) -> Verdict {
        let mut commands = self.commands.lock();
        commands.push(command);
        let applied = (commands.len() as u64).to_le_bytes();
        let apply = |store: &Arc<Store>| store.apply(&[commands.last().unwrap()], &[], &applied).unwrap();
        let effects: Vec<_> = self.stores.lock().iter().map(apply).collect();
        assert!(effects.windows(2).all(|pair| pair[0] == pair[1]), "the stores disagree: {effects:?}");
        effects[0][0].verdict
    }
}

impl Consensus for Log {
    fn agree(&self, command: Vec<u8>) -> std::result::Result<Verdict, String> {
        let verdict = self.append(command);
        let mut loses = self.loses_answer.lock();
        let lost = std::mem::replace(
            &mut *loses,
            self.loses_second.swap(false, std::sync::atomic::Ordering::Relaxed),
        );
        match lost {
            true => Err("the answer is lost".to_owned()),
            false => Ok(verdict),
        }
    }
}

impl Cluster {
    fn new() -> Cluster {
        Cluster::of([Format::NEWEST; 3])
    }

    /// One of stores whose files were made by programs of different times.
    fn of(formats: [Format; 3]) -> Cluster {
        let made = formats.map(|format| Fixture::of(format, |writer| schema::create_replica(writer)));
        let folders: Vec<TempDir> = made.into_iter().map(|(folder, _)| folder).collect();
        let log = Arc::new(Log::default());
        let stores: Vec<_> =
            folders.iter().map(|folder| Arc::new(Store::open_replica(folder.path()).unwrap())).collect();
        stores.iter().for_each(|store| store.agree_by(log.clone()));
        *log.stores.lock() = stores.clone();
        Cluster { folders, stores, log }
    }

    /// One with a token, and a user `one`.
    fn with_user() -> (Cluster, TokenKey, i64) {
        Cluster::new().and_user()
    }

    fn and_user(self) -> (Cluster, TokenKey, i64) {
        let it = self;
        it.stores[0].make_first(&meta(), &officer("so-pin")).unwrap();
        let key = login(&it.stores[1], Role::Officer, &officer("so-pin")).1;
        it.stores[1].add_user(&key, Role::User, &user("one:pin-1")).unwrap();
        let number = it.stores[2].user(Role::User, "one").unwrap().unwrap().number;
        (it, key, number)
    }

    /// All rows of all tables of a store.
    fn rows(&self, store: usize) -> String {
        let connection = Connection::open(self.folders[store].path().join("token.db")).unwrap();
        let mut all = String::new();
        for table in ["token", "user", "stranger", "object", "replica", "request", "spent", "node"] {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query(()).unwrap();
            while let Some(row) = rows.next().unwrap() {
                all.extend((0..columns).map(|at| format!("{:?};", row.get_ref(at).unwrap())));
                all.push('\n');
            }
        }
        all
    }

    fn assert_equal(&self) {
        assert_eq!(self.rows(0), self.rows(1));
        assert_eq!(self.rows(0), self.rows(2));
    }
}

fn errand(number: u8) -> Option<Errand> {
    Some(Errand { id: [number; 16], digest: [number; 32] })
}

#[test]
fn what_is_written_through_one_store_is_in_all_of_them_and_they_are_equal() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[2].insert(viewer, &[record(1, Some(number)), plain(2)]).unwrap();
    it.stores[0].replace(viewer, &Record { version: 2, ..record(1, Some(number)) }).unwrap();
    it.stores[1].delete(viewer, id(2)).unwrap();
    for store in &it.stores {
        assert_eq!(store.get(viewer, id(1)).unwrap().unwrap().version, 2);
        assert!(store.get(viewer, id(2)).unwrap().is_none());
        assert_eq!(store.check(Some(&key)).unwrap().problems, [""; 0]);
        login(store, Role::User, &user("one:pin-1"));
    }
    it.assert_equal();
}

#[test]
fn what_fails_on_one_store_is_heard_of_by_none() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number))]).unwrap();
    let before = it.log.commands.lock().len();
    let twice = it.stores[1].insert(viewer, &[record(7, Some(number)), record(1, Some(number))]);
    assert!(matches!(twice, Err(Error::Exists)));
    assert!(matches!(it.stores[2].delete(viewer, id(9)), Err(Error::Gone)));
    assert!(matches!(it.stores[2].make_first(&meta(), &officer("so-pin")), Err(Error::Exists)));
    assert_eq!(it.log.commands.lock().len(), before);
    assert!(it.stores.iter().all(|store| store.get(viewer, id(7)).unwrap().is_none()));
    // And nothing of it goes along with the next change.
    it.stores[1].insert(viewer, &[record(3, Some(number))]).unwrap();
    it.assert_equal();
}

#[test]
fn a_change_drafted_on_another_state_is_made_nowhere_and_drafted_anew() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number))]).unwrap();
    let last = it.log.commands.lock().last().unwrap().clone();
    let rows = it.rows(0);
    assert_eq!(it.log.append(last), Verdict::Stale);
    let without_position = |rows: String| rows.lines().filter(|line| line.len() > 80).collect::<String>();
    assert_eq!(without_position(it.rows(0)), without_position(rows));

    // Two stores write at once, each on what it knows: both get what they want.
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for store in 0..2 {
            let (start, it, key) = (&start, &it, &key);
            scope.spawn(move || {
                start.wait();
                for number in 0..10u8 {
                    let object = plain(100 + number * 2 + store as u8);
                    let viewer = Some(Viewer { user: 2, key });
                    it.stores[store].insert(viewer, &[object]).unwrap();
                }
            });
        }
    });
    assert_eq!(it.stores[2].count_objects().unwrap(), 21);
    it.assert_equal();
}

#[test]
fn what_many_want_at_once_goes_in_few_commands() {
    let (it, key, number) = Cluster::with_user();
    let before = it.log.commands.lock().len();
    let replica = it.stores[0].database.replica.as_ref().unwrap();
    let insert = &|thread: u8| {
        let viewer = Some(Viewer { user: number, key: &key });
        it.stores[0].insert(viewer, &[record(thread, Some(number))]).unwrap();
    };
    // The log holds still until the first is on its way and all others have come.
    let gate = it.log.commands.lock();
    std::thread::scope(|scope| {
        scope.spawn(|| insert(0));
        while !replica.has_sent() {
            std::thread::yield_now();
        }
        for thread in 1..16 {
            scope.spawn(move || insert(thread));
        }
        while replica.coming() < 15 {
            std::thread::yield_now();
        }
        drop(gate);
    });
    assert_eq!(it.log.commands.lock().len() - before, 2, "one, and all others together");
    assert_eq!(it.stores[1].check(Some(&key)).unwrap().objects, 16);
    it.assert_equal();
}

#[test]
fn a_right_password_is_judged_after_the_wrong_ones_that_are_on_their_way() {
    let (it, ..) = Cluster::with_user();
    let replica = it.stores[0].database.replica.as_ref().unwrap();
    let gate = it.log.commands.lock();
    std::thread::scope(|scope| {
        let try_pin = |pin: &'static str| {
            let store = &it.stores[0];
            scope.spawn(move || store.authenticate(Role::User, &user(pin)).unwrap())
        };
        let wrong = try_pin("one:wrong");
        while !replica.has_sent() {
            std::thread::yield_now();
        }
        let right = try_pin("one:pin-1");
        while replica.coming() == 0 && !right.is_finished() {
            std::thread::yield_now();
        }
        assert!(!right.is_finished(), "it has not waited");
        drop(gate);
        assert!(matches!(wrong.join().unwrap(), Authentication::Wrong));
        assert!(matches!(right.join().unwrap(), Authentication::Right(..)));
    });
    it.assert_equal();
}

#[test]
fn a_request_asked_again_after_its_answer_was_lost_changes_nothing_twice() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    *it.log.loses_answer.lock() = true;
    let lost = errand::on(errand(1), || it.stores[0].insert(viewer, &[record(1, Some(number))]));
    assert!(matches!(lost, Err(Error::Unavailable(_))));
    // Another node is asked: it draws another id for the object.
    let again = errand::on(errand(1), || it.stores[1].insert(viewer, &[record(2, Some(number))]));
    assert!(matches!(again, Err(Error::Repeated)));
    let outcome = it.stores[1].outcome_of(errand(1).unwrap()).unwrap();
    assert_eq!(outcome, Some(Remembered::Outcome(Outcome::Done(vec![id(1)]))));
    let stranger = Errand { digest: [9; 32], ..errand(1).unwrap() };
    assert_eq!(it.stores[1].outcome_of(stranger).unwrap(), Some(Remembered::Other));
    assert_eq!(it.stores[1].outcome_of(errand(3).unwrap()).unwrap(), None);
    assert_eq!(it.stores[2].count_objects().unwrap(), 1);
}

#[test]
fn wrong_passwords_are_counted_by_all_stores_together_and_once_each() {
    let (it, ..) = Cluster::with_user();
    let wrong = user("one:wrong");
    let try_at = |store: usize| it.stores[store].authenticate(Role::User, &wrong);
    assert!(matches!(try_at(0), Ok(Authentication::Wrong)));
    *it.log.loses_answer.lock() = true;
    assert!(matches!(errand::on(errand(1), || try_at(1)), Err(Error::Unavailable(_))));
    assert!(matches!(errand::on(errand(1), || try_at(2)), Err(Error::Repeated)));
    let outcome = it.stores[2].outcome_of(errand(1).unwrap()).unwrap();
    assert_eq!(outcome, Some(Remembered::Outcome(Outcome::WrongPassword)));
    // Three in all lock it, wherever they come.
    assert!(matches!(try_at(2), Ok(Authentication::Wrong)));
    let right = user("one:pin-1");
    assert!(
        it.stores
            .iter()
            .all(|store| matches!(store.authenticate(Role::User, &right), Ok(Authentication::Locked)))
    );
}

#[test]
fn a_confirmation_is_used_once_in_all_or_again_by_the_same_request() {
    let (it, ..) = Cluster::with_user();
    let spend = |store: usize, number, request| it.stores[store].spend([number; 16], request).unwrap();
    assert!(spend(0, 1, Some([5; 16])));
    assert!(spend(1, 1, Some([5; 16])));
    assert!(!spend(2, 1, Some([6; 16])));
    assert!(spend(2, 2, None));
    assert!(!spend(0, 2, None));
    it.assert_equal();
}

#[test]
fn a_store_replaced_by_a_copy_is_the_one_it_was_copied_from() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number)), plain(2)]).unwrap();
    it.stores[0].apply(&[], &[u64::MAX], b"a node has come").unwrap();
    let copy = it.folders[0].path().join("copy");
    assert_eq!(it.stores[0].copy(&copy).unwrap(), it.stores[0].applied().unwrap());

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_replica(folder.path()).unwrap();
    let counter = store.counter();
    store.install(&copy, b"position").unwrap();
    assert_ne!(store.counter(), counter, "caches must notice");
    assert_eq!(store.applied().unwrap(), b"position");
    assert_eq!(store.get(viewer, id(1)).unwrap().unwrap(), record(1, Some(number)));
    assert!(store.had_node(u64::MAX).unwrap() && !store.had_node(1).unwrap());
    assert_eq!(store.check(Some(&key)).unwrap().problems, [""; 0]);
    login(&store, Role::User, &user("one:pin-1"));
    // Twice, and over what is there.
    store.install(&copy, b"again").unwrap();
    assert_eq!(store.count_objects().unwrap(), 2);

    let other = folder.path().join("other");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE token (x); PRAGMA user_version = 1")
        .unwrap();
    assert!(matches!(store.install(&other, b"never"), Err(Error::Corrupt(..))));
    assert_eq!(store.applied().unwrap(), b"again");
    assert_eq!(store.count_objects().unwrap(), 2);
}

/// A node that was there before has a file of format 1, whoever leads.
#[test]
fn stores_whose_files_have_different_formats_hold_the_same_objects() {
    let (one, two) = (Format::One, Format::Two);
    for formats in [[one, two, two], [two, one, one]] {
        let (it, key, number) = Cluster::of(formats).and_user();
        let viewer = Some(Viewer { user: number, key: &key });
        let own = |at: u8| Record { id: new_id().unwrap(), ..record(at, Some(number)) };
        // Ids of both times, and two that begin alike.
        let (mut alike, mut next) = (own(4), own(5));
        (alike.id, next.id) = (ObjectId([9; 16]), ObjectId([9; 16]));
        next.id.0[15] = 1;
        let mut kept = vec![own(1), record(2, Some(number)), plain(3), alike, next];
        it.stores[0].insert(viewer, &kept[..3]).unwrap();
        it.stores[1].insert(viewer, &kept[3..]).unwrap();
        for (store, at) in [(0, 3), (1, 4), (2, 0)] {
            kept[at].version += 1;
            it.stores[store].replace(viewer, &kept[at]).unwrap();
        }
        it.stores[1].delete(viewer, kept.remove(0).id).unwrap();
        it.stores[0].delete(viewer, kept.remove(0).id).unwrap();
        let hold = |store: &Store| {
            let objects = kept.iter().map(|kept| store.get(viewer, kept.id).unwrap().unwrap());
            assert_eq!(objects.collect::<Vec<_>>(), kept);
            assert_eq!(store.count_objects().unwrap(), kept.len() as u64);
            assert_eq!(store.check(Some(&key)).unwrap().problems, [""; 0]);
        };
        it.stores.iter().for_each(|store| hold(store));

        // Each is replaced by a copy of one of the other format.
        for (from, to) in [(0, 1), (1, 0)] {
            let copy = it.folders[from].path().join("copy");
            it.stores[from].copy(&copy).unwrap();
            it.stores[to].install(&copy, b"position").unwrap();
            hold(&it.stores[to]);
        }
        it.stores[2].delete(viewer, kept[0].id).unwrap();
        assert!(it.stores.iter().all(|store| store.get(viewer, kept[0].id).unwrap().is_none()));
    }
}

#[test]
fn a_command_of_a_later_version_stops_the_store_and_changes_nothing() {
    let (it, ..) = Cluster::with_user();
    let before = it.rows(0);
    let mut later = it.log.commands.lock().last().unwrap().clone();
    later[0] = 2;
    assert!(
        matches!(it.stores[0].apply(&[&later], &[], b"next"), Err(Error::Corrupt(_, why)) if why.contains("version 2"))
    );
    assert_eq!(it.rows(0), before);
}

#[test]
fn a_call_that_panics_at_the_desk_takes_nobody_with_it() {
    let (it, key, number) = Cluster::with_user();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = it.stores[0].database.write(|_| -> error::Step<()> { panic!("on purpose") });
    }));
    assert!(panicked.is_err());
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number))]).unwrap();
    it.assert_equal();
}

#[test]
fn a_nodes_store_is_no_store_of_a_machine_and_the_other_way_round() {
    let (it, ..) = Cluster::with_user();
    let opened = Store::open(it.folders[0].path());
    assert!(matches!(opened, Err(Error::Unreachable(_, why)) if why.contains("node")));
    let machine = Fixture::new();
    let opened = Store::open_replica(machine.folder.path());
    assert!(matches!(opened, Err(Error::Unreachable(_, why)) if why.contains("one machine")));
}

#[test]
fn a_change_too_long_for_the_log_is_refused_and_others_are_not_held_up() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    let mut long = record(1, Some(number));
    long.public.set(ck::CKA_LABEL, vec![b'x'; LONGEST_COMMAND]);
    assert!(matches!(it.stores[0].insert(viewer, &[long]), Err(Error::TooLarge)));
    it.stores[0].insert(viewer, &[record(2, Some(number))]).unwrap();
    it.assert_equal();
}

#[test]
fn a_command_tells_which_objects_it_has_changed() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number)), plain(2)]).unwrap();
    it.stores[0].delete(viewer, id(2)).unwrap();
    it.stores[0].unlock(Role::User, "one").unwrap();
    it.stores[0].delete_user(&key, Role::User, "one").unwrap();
    let commands = it.log.commands.lock().clone();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_replica(folder.path()).unwrap();
    let commands: Vec<&[u8]> = commands.iter().map(Vec::as_slice).collect();
    let objects: Vec<_> =
        store.apply(&commands, &[], b"").unwrap().into_iter().map(|effect| effect.objects).collect();
    assert_eq!(objects[2..], [Some(vec![id(1), id(2)]), Some(vec![id(2)]), Some(vec![]), None]);
    assert_eq!(objects[..2], [Some(vec![]), Some(vec![])]);
}

#[test]
fn nobody_is_told_what_anothers_draft_has_come_to_before_that_is_agreed_on() {
    let (it, key, number) = Cluster::with_user();
    let viewer = Some(Viewer { user: number, key: &key });
    it.stores[0].insert(viewer, &[record(1, Some(number)), record(2, Some(number))]).unwrap();
    let replica = it.stores[0].database.replica.as_ref().unwrap();
    let delete = |object| it.stores[0].delete(Some(Viewer { user: number, key: &key }), id(object));
    // While one change is on its way, two come who want the same: in one batch, the second sees that the first has it already.
    let gate = it.log.commands.lock();
    let told = std::thread::scope(|scope| {
        scope.spawn(|| delete(2).unwrap());
        while !replica.has_sent() {
            std::thread::yield_now();
        }
        let both = [scope.spawn(|| delete(1)), scope.spawn(|| delete(1))];
        while replica.coming() < 2 {
            std::thread::yield_now();
        }
        it.log.loses_second.store(true, std::sync::atomic::Ordering::Relaxed);
        drop(gate);
        both.map(|one| one.join().unwrap())
    });
    assert!(told.iter().all(|one| matches!(one, Err(Error::Unavailable(_)))), "{told:?}");
}

#[test]
fn a_node_is_never_known_before_the_entry_that_added_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_replica(folder.path()).unwrap();
    let last = 200u64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for node in 1..=last {
                store.apply(&[], &[node], &node.to_le_bytes()).unwrap();
            }
        });
        for node in 1..=last {
            loop {
                let (had, position) = store.had_node_at(node).unwrap();
                if had {
                    let position = u64::from_le_bytes(position.try_into().unwrap());
                    assert!(position >= node, "node {node} is known at {position}");
                    break;
                }
            }
        }
    });
    assert!(store.had_node(last).unwrap() && !store.had_node(last + 1).unwrap());
}

/// Whatever the formats of the files, and whoever drafts: what one store takes, all take.
#[test]
fn an_object_for_which_there_is_no_place_in_some_store_is_drafted_by_none() {
    let (one, two) = (Format::One, Format::Two);
    for formats in [[two; 3], [one, two, two], [two, one, one]] {
        let (it, key, number) = Cluster::of(formats).and_user();
        let viewer = Some(Viewer { user: number, key: &key });
        // Places so near that in format 2 their numbers depend on the order in which they come.
        let near = |at: u8| {
            let mut id = [0xc0; 16];
            (id[7], id[15]) = ([0, 9, 3, 14, 6, 1, 11, 4][usize::from(at) % 8], at);
            Record { id: ObjectId(id), ..record(at, Some(number)) }
        };
        let taken: Vec<bool> = (0..40u8)
            .map(|at| match it.stores[usize::from(at) % 2].insert(viewer, &[near(at)]) {
                Ok(_) => true,
                Err(Error::Exists) => false,
                Err(other) => panic!("{formats:?}: {other}"),
            })
            .collect();
        assert!(taken[..7].iter().all(|taken| *taken) && taken.iter().any(|taken| !taken), "{taken:?}");
        let count = taken.iter().filter(|taken| **taken).count() as u64;
        for store in &it.stores {
            assert_eq!(store.count_objects().unwrap(), count);
            assert_eq!(store.check(Some(&key)).unwrap().problems, [""; 0]);
        }
    }
}
