//! Who holds a latch, and who doesn't any more.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cloister_kms::book::{Book, label};
use cloister_kms::clock::Ticks;
use cloister_kms::hsm::Trouble;
use cloister_kms::keys::arn::KeyArn;
use cryptoki::object::{Attribute, ObjectClass};
use serde_json::json;

use crate::support::{ACCOUNT, Front, HOME, alone, object};

fn arn(key: &str) -> KeyArn {
    KeyArn { account: ACCOUNT.to_owned(), region: HOME.to_owned(), id: key.to_owned() }
}

/// Removes the claim of whoever holds the key's latch, as another front does that takes it for dead.
fn take_for_dead(front: &Front, key: &str) {
    let name = label::latch(&arn(key).latch_name());
    let template = [Attribute::Label(name.into_bytes())];
    let claims = front.0.token.with(|session| session.find_objects(&template)).unwrap();
    assert_eq!(claims.len(), 1);
    front.0.token.with(|session| session.destroy_object(claims[0])).unwrap();
}

#[test]
fn k101_a_holder_whom_others_took_for_dead_writes_and_destroys_nothing() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({}));
    let before = front.record(HOME, &key).unwrap();
    let mut held = front.0.hold(&arn(&key)).unwrap().unwrap();
    take_for_dead(&front, &key);
    held.record.description = "late".to_owned();
    assert!(matches!(held.keep(), Err(Trouble::Unreachable(_))));
    assert_eq!(front.record(HOME, &key).unwrap(), before);
    held.record.loose = vec![object(&before)];
    assert!(matches!(held.destroy_loose(), Err(Trouble::Unreachable(_))));
    assert_eq!(front.objects(&object(&before)), 1);
    drop(held);
    // Nothing of it is in the next one's way.
    front.ask("DisableKey", json!({ "KeyId": key }));
}

#[test]
fn k101_an_object_that_has_come_by_the_handle_of_a_claim_is_not_destroyed_with_it() {
    let _alone = alone();
    let front = Front::start();
    let template = [Attribute::Label(label::latch("kms/test/handle").into_bytes())];
    let claims = || front.0.token.with(|session| session.find_objects(&template)).unwrap();
    drop(front.0.book.latch("kms/test/handle").unwrap());
    assert_eq!(claims(), []);
    for other in [Attribute::Value(b"another's".to_vec()), Attribute::Label(b"another".to_vec())] {
        let latch = front.0.book.latch("kms/test/handle").unwrap();
        let object = claims()[0];
        front
            .0
            .token
            .with(|session| session.update_attributes(object, std::slice::from_ref(&other)))
            .unwrap();
        drop(latch);
        // It is still there to be destroyed.
        front.0.token.with(|session| session.destroy_object(object)).unwrap();
    }
}

/// Leaves a claim as a front does that is killed while it holds the latch of that name.
fn leave_claim(front: &Front, name: &str) {
    let claim = [
        Attribute::Class(ObjectClass::DATA),
        Attribute::Label(label::latch(name).into_bytes()),
        Attribute::Application(label::APPLICATION.as_bytes().to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Value(format!("of {name}").into_bytes()),
    ];
    front.0.token.with(|session| session.create_object(&claim)).unwrap();
}

/// A front's records, by a time that goes on when somebody waits.
fn driven(front: &Front) -> (Book, Arc<Ticks>) {
    let ticks = Arc::new(Ticks::Driven(AtomicU64::new(0)));
    (Book::timed_by(front.0.token.clone(), ticks.clone()), ticks)
}

#[test]
fn k101_the_waits_for_what_dead_fronts_left_overlap() {
    let _alone = alone();
    let front = Front::start();
    let names = ["kms/test/a", "kms/test/b", "kms/test/c", "kms/test/d"];
    names.iter().for_each(|name| leave_claim(&front, name));
    let (book, ticks) = driven(&front);
    // Nobody has met any of them before the first is wanted.
    drop(book.latch(names[0]).unwrap());
    let first = ticks.now();
    assert!(first > Duration::from_secs(15), "{first:?}: it may be a living front's");
    for name in &names[1..] {
        drop(book.latch(name).unwrap());
    }
    assert!(ticks.now() < Duration::from_secs(20), "{:?}", ticks.now());
}

#[test]
fn k101_a_claim_that_was_met_once_need_not_be_watched_all_over() {
    let _alone = alone();
    let front = Front::start();
    leave_claim(&front, "kms/test/met");
    let (book, ticks) = driven(&front);
    // Housekeeping, soon after the front has started.
    assert_eq!(book.clear_claims().unwrap(), 0);
    (0..160).for_each(|_| ticks.wait(Duration::ZERO));
    let before = ticks.now();
    drop(book.latch("kms/test/met").unwrap());
    assert_eq!(ticks.now(), before);
}

#[test]
fn k101_claims_of_a_front_that_lives_are_not_removed_however_often_they_are_met() {
    let _alone = alone();
    let front = Front::start();
    let (book, ticks) = driven(&front);
    for _ in 0..3 {
        let held = front.0.book.latch("kms/test/lively").unwrap();
        assert_eq!(book.clear_claims().unwrap(), 0);
        (0..100).for_each(|_| ticks.wait(Duration::ZERO));
        held.still_held().unwrap();
    }
}
