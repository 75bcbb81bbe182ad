//! Objects in and out, by one store and by several at once.

use super::*;
use std::sync::Barrier;

#[test]
fn what_is_put_in_comes_back() {
    let it = Fixture::new();
    let records = [record(1, Some(it.user)), record(2, None), plain(3)];
    it.store.insert(it.viewer(), &records).unwrap();
    for record in &records {
        for store in [&it.store, &it.again()] {
            assert_eq!(store.get(it.viewer(), record.id).unwrap().as_ref(), Some(record));
            assert_eq!(version_of(store, record.id), Some(1));
        }
    }
    assert_eq!(it.store.get(it.viewer(), id(9)).unwrap(), None);
    assert_eq!(version_of(&it.store, id(9)), None);
    assert!(it.problems().is_empty());
}

#[test]
fn without_a_login_only_what_is_public_is_there() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user)), record(2, None)]).unwrap();
    assert_eq!(it.store.get(None, id(1)).unwrap(), None);
    assert!(matches!(it.store.delete(None, id(1)), Err(Error::Gone)));
    let public = it.store.get(None, id(2)).unwrap().unwrap();
    assert_eq!(public, Record { secret: Attributes::new(), ..record(2, None) });
}

#[test]
fn without_a_login_nothing_can_be_written_that_needs_a_key() {
    let it = Fixture::new();
    let mut trusted = plain(3);
    trusted.public.set(ck::CKA_TRUSTED, true);
    for refused in [record(1, Some(it.user)), record(2, None), trusted] {
        assert!(matches!(it.store.insert(None, &[plain(4), refused]), Err(Error::LoginNeeded)));
    }
    assert_eq!(it.store.get(None, id(4)).unwrap(), None, "all or none");

    it.store.insert(None, &[plain(4)]).unwrap();
    it.store.insert(it.viewer(), &[record(5, None)]).unwrap();
    it.store.replace(None, &Record { version: 2, ..plain(4) }).unwrap();
    let stripped = it.store.replace(None, &Record { version: 2, ..plain(5) });
    assert!(matches!(stripped, Err(Error::LoginNeeded)), "the secret would be lost");
    assert!(matches!(it.store.delete(None, id(5)), Err(Error::LoginNeeded)), "the roster would not know");
    it.store.delete(None, id(4)).unwrap();
    it.store.delete(it.viewer(), id(5)).unwrap();
    assert!(it.problems().is_empty());
}

#[test]
fn an_object_comes_on_the_roster_and_leaves_it_as_it_is_trusted() {
    let it = Fixture::new();
    let trusted = |version, trusted: bool| {
        let mut record = Record { version, ..plain(1) };
        record.public.set(ck::CKA_TRUSTED, trusted);
        record
    };
    it.store.insert(None, &[trusted(1, false)]).unwrap();
    it.store.replace(it.viewer(), &trusted(2, true)).unwrap();
    assert!(it.problems().is_empty());
    assert!(matches!(it.store.replace(None, &trusted(3, false)), Err(Error::LoginNeeded)));
    assert!(matches!(it.store.delete(None, id(1)), Err(Error::LoginNeeded)));
    it.store.replace(it.viewer(), &trusted(3, false)).unwrap();
    assert!(it.problems().is_empty());
    it.store.delete(None, id(1)).unwrap();
    assert!(it.problems().is_empty());
}

#[test]
fn an_id_is_taken_once_and_a_batch_is_all_or_none() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    let batch = [record(2, Some(it.user)), record(1, Some(it.user))];
    assert!(matches!(it.store.insert(it.viewer(), &batch), Err(Error::Exists)));
    assert_eq!(it.store.get(it.viewer(), id(2)).unwrap(), None);
    assert!(it.problems().is_empty());
}

#[test]
fn a_change_must_follow_the_stored_version() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    let second = Record { version: 2, ..record(1, Some(it.user)) };
    it.store.replace(it.viewer(), &second).unwrap();
    assert!(matches!(it.store.replace(it.viewer(), &second), Err(Error::Gone)), "another was faster");
    assert_eq!(it.store.get(it.viewer(), id(1)).unwrap(), Some(second));
    it.store.delete(it.viewer(), id(1)).unwrap();
    assert!(matches!(it.store.delete(it.viewer(), id(1)), Err(Error::Gone)));
    assert!(it.problems().is_empty());
}

#[test]
fn two_stores_see_each_others_commits_and_the_counter_tells() {
    let it = Fixture::new();
    let other = it.again();
    let before = other.counter().unwrap();
    assert_eq!(it.store.counter(), Some(before));
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    assert_ne!(other.counter().unwrap(), before);
    let before = it.store.counter();
    assert!(other.get(it.viewer(), id(1)).unwrap().is_some());
    assert_eq!(it.store.counter(), before, "reading is no change");
    other.delete(it.viewer(), id(1)).unwrap();
    assert_ne!(it.store.counter(), before);
    assert_eq!(it.store.get(it.viewer(), id(1)).unwrap(), None);
}

#[test]
fn an_even_unmoved_counter_proves_what_was_read() {
    let it = Fixture::new();
    let rounds = 60;
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = it.again();
            for version in 2..=rounds {
                writer.replace(it.viewer(), &Record { version, ..record(1, Some(it.user)) }).unwrap();
            }
        });
        let reader = it.again();
        let mut kept = (None, 0);
        while kept.1 < rounds {
            let sample = reader.counter();
            if sample.is_none() || sample != kept.0 {
                kept = (sample, version_of(&reader, id(1)).unwrap());
            }
            let version = version_of(&reader, id(1)).unwrap();
            if sample.is_some() && reader.counter() == kept.0 {
                assert_eq!(version, kept.1, "the counter vouched for an old version");
            }
        }
    });
}

#[test]
fn several_writers_at_once_lose_nothing() {
    let it = Fixture::new();
    let (writers, each) = (4, 12);
    let start = Barrier::new(writers);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (it, start) = (&it, &start);
            scope.spawn(move || {
                let store = it.again();
                start.wait();
                for number in 0..each {
                    store
                        .insert(it.viewer(), &[record((writer * each + number) as u8, Some(it.user))])
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(it.store.find(it.viewer(), &Attributes::new()).unwrap().len(), writers * each);
    assert!(it.problems().is_empty());
    assert!(it.store.counter().is_some());
}

#[test]
fn a_login_to_the_token_before_is_over() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, None)]).unwrap();
    it.store.recreate(&Meta { serial: "fedcba9876543210".into(), ..meta() }, &officer("new")).unwrap();
    assert_eq!(it.store.get(it.viewer(), id(1)).unwrap(), None);

    let (officer, key) = login(&it.store, Role::Officer, &officer("new"));
    it.store.insert(Some(Viewer { user: officer.number, key: &key }), &[record(2, None)]).unwrap();
    assert!(matches!(it.store.get(it.viewer(), id(2)), Err(Error::LoginOver)), "no false alarm");
    assert!(matches!(it.store.insert(it.viewer(), &[record(3, None)]), Err(Error::LoginOver)));
    assert!(matches!(it.store.delete(it.viewer(), id(2)), Err(Error::LoginOver)));
    assert!(matches!(it.store.check(Some(&it.key)), Err(Error::LoginOver)));
    assert!(it.store.check(Some(&key)).unwrap().problems.is_empty());
}

#[test]
fn a_deleted_user_leaves_no_objects_and_can_make_none() {
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user)), record(2, Some(it.user))]).unwrap();
    it.store.insert(it.other_viewer(), &[record(3, Some(it.other)), record(4, None)]).unwrap();
    it.store.delete_user(&it.key, Role::User, "one").unwrap();
    let left = [1, 2, 3, 4].map(|number| version_of(&it.store, id(number)).is_some());
    assert_eq!(left, [false, false, true, true]);
    assert!(matches!(it.store.insert(it.viewer(), &[record(5, Some(it.user))]), Err(Error::LoginOver)));
    assert!(it.problems().is_empty());
}

#[test]
fn what_a_record_cannot_hold_is_refused_and_leaves_nothing() {
    let it = Fixture::new();
    let mut large = record(1, Some(it.user));
    large.public.set(ck::CKA_LABEL, vec![0u8; 17 << 20]);
    assert!(matches!(it.store.insert(it.viewer(), &[large]), Err(Error::TooLarge)));
    let late = Record { version: u64::MAX, ..record(1, Some(it.user)) };
    assert!(matches!(it.store.insert(it.viewer(), &[late]), Err(Error::TooLarge)));
    assert_eq!(version_of(&it.store, id(1)), None);
}
