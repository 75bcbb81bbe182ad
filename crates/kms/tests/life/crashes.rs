//! What a front leaves that dies in the middle, and what the next one makes of it.

use std::time::Duration;

use cloister_kms::api::error::Code;
use cloister_kms::book::label;
use cloister_kms::clock::DAY;
use cloister_kms::crypto::material::generate_aes;
use cloister_kms::keys::record::{Cause, Draft, Material};
use cloister_kms::stores::members::Member;
use serde_json::json;

use crate::support::{ABROAD, ACCOUNT, Front, HOME, alone, object};

const SECOND: i64 = 1000;
const LOOSE: &str = "00112233445566778899aabbccddeeff";

#[test]
fn a_key_that_was_being_made_is_undone_after_a_minute_with_its_material() {
    let _alone = alone();
    let key = Front::start().create(json!({}));
    let next = Front::start();
    next.leave(HOME, &key, |record| record.draft = Some(Draft::Making(record.created)));
    let object = object(&next.record(HOME, &key).unwrap());
    next.keep_house_in(30 * SECOND);
    assert_eq!(next.objects(&object), 1, "somebody may still be making it");
    assert_eq!(next.keep_house_in(61 * SECOND).undone, 1);
    assert!(next.record(HOME, &key).is_none());
    assert_eq!(next.objects(&object), 0);
}

#[test]
fn k44_a_material_that_was_being_made_is_destroyed_and_the_key_goes_on() {
    let _alone = alone();
    let key = Front::start().create(json!({}));
    let next = Front::start();
    generate_aes(&next.0.token, &hex::decode(LOOSE).unwrap(), "a test").unwrap();
    next.leave(HOME, &key, |record| record.loose.push(LOOSE.to_owned()));
    next.keep_house_in(0);
    let record = next.record(HOME, &key).unwrap();
    assert_eq!((next.objects(LOOSE), next.objects(&object(&record))), (0, 1));
    assert!(record.loose.is_empty() && record.materials.len() == 1);
}

#[test]
fn k44_the_next_rotation_clears_what_the_last_one_left() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({}));
    generate_aes(&front.0.token, &hex::decode(LOOSE).unwrap(), "a test").unwrap();
    front.leave(HOME, &key, |record| record.loose.push(LOOSE.to_owned()));
    front.ask("RotateKeyOnDemand", json!({ "KeyId": key }));
    let record = front.record(HOME, &key).unwrap();
    assert_eq!((front.objects(LOOSE), front.objects(&object(&record))), (0, 1));
    assert!(record.loose.is_empty() && record.materials.len() == 2);
}

#[test]
fn k50_a_deletion_that_was_cut_short_is_finished() {
    let _alone = alone();
    let key = Front::start().create(json!({}));
    let next = Front::start();
    let object = object(&next.record(HOME, &key).unwrap());
    next.leave(HOME, &key, |record| record.draft = Some(Draft::Removing(record.created)));
    assert!(next.ask_as(ACCOUNT, HOME, "DescribeKey", json!({ "KeyId": key })).is_err());
    assert_eq!(next.keep_house_in(0).deleted, 1);
    assert!(next.record(HOME, &key).is_none());
    assert_eq!(next.objects(&object), 0);
}

#[test]
fn k76_an_external_key_is_free_when_the_key_that_used_it_has_gone() {
    let _alone = alone();
    let front = Front::start();
    for keeper in ["itself", "another"] {
        let key = front.create(json!({}));
        front.ask("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }));
        front.leave(HOME, &key, |record| {
            (record.store, record.xks_key) = (Some("cks-1".to_owned()), Some("orders".to_owned()));
        });
        let keeper = if keeper == "itself" { key } else { keeper.to_owned() };
        let name = label::member(ACCOUNT, HOME, "cks-1", "orders");
        let object = front.0.book.create(&name, &Member { key: keeper.clone() }).unwrap();
        assert_eq!(front.keep_house_in(8 * DAY).deleted, 1);
        let left = front.0.book.read::<Member>(&name).unwrap().map(|kept| kept.value.key.clone());
        assert_eq!(left, (keeper == "another").then_some(keeper));
        front.0.book.remove(&name, object).unwrap();
    }
}

#[test]
fn a_draft_is_left_alone_until_it_was_watched_for_a_minute_whatever_its_makers_clock_says() {
    let _alone = alone();
    for off in [-DAY, DAY] {
        let key = Front::start().create(json!({}));
        let next = Front::start();
        next.leave(HOME, &key, |record| record.draft = Some(Draft::Making(record.created.plus(off))));
        for _ in 0..3 {
            assert_eq!(next.keep_house_in(0).undone, 0);
        }
        assert_eq!(next.keep_house_in(61 * SECOND).undone, 1);
    }
}

#[test]
fn a_key_comes_in_time_or_not_at_all() {
    let _alone = alone();
    let front = Front::start();
    let ask = |late| {
        front.ask_late(
            &format!("arn:aws:iam::{ACCOUNT}:root"),
            HOME,
            "CreateKey",
            json!({}),
            Duration::from_secs(late),
        )
    };
    let before = front.0.book.count(label::KEYS).unwrap();
    assert_eq!(ask(46).unwrap_err().code, Code::DependencyTimeoutException);
    assert_eq!(front.0.book.count(label::KEYS).unwrap(), before);
    ask(10).unwrap();
}

#[test]
fn k60_regions_that_were_not_told_of_a_rotation_learn_of_it() {
    let _alone = alone();
    let key = replicated();
    let next = Front::start();
    let object = "ffeeddccbbaa99887766554433221100".to_owned();
    generate_aes(&next.0.token, &hex::decode(&object).unwrap(), "a test").unwrap();
    let material = Material {
        id: "ab".repeat(32),
        object: Some(object),
        since: next.now(),
        cause: Cause::OnDemand,
        import: None,
    };
    next.leave(HOME, &key, |record| {
        record.materials.push(material.clone());
        record.multi_region.as_mut().unwrap().revision += 1;
    });
    assert_eq!(next.keep_house_in(0).healed, 1);
    assert_eq!(next.record(ABROAD, &key).unwrap().current(), Some(&material));
    assert_eq!(Front::start().keep_house_in(0).healed, 0);
}

#[test]
fn k60_of_two_primaries_the_later_is_right() {
    let _alone = alone();
    let key = replicated();
    let next = Front::start();
    next.leave(ABROAD, &key, |record| {
        let multi = record.multi_region.as_mut().unwrap();
        multi.primary = ABROAD.to_owned();
        multi.revision += 1;
    });
    assert!(next.record(HOME, &key).unwrap().is_primary() && next.record(ABROAD, &key).unwrap().is_primary());
    assert_eq!(next.keep_house_in(0).healed, 1);
    assert!(next.record(HOME, &key).unwrap().is_replica() && next.record(ABROAD, &key).unwrap().is_primary());
}

#[test]
fn k60_a_replica_that_was_being_made_is_undone_and_the_primary_keeps_its_material() {
    let _alone = alone();
    let key = replicated();
    let next = Front::start();
    next.leave(ABROAD, &key, |record| record.draft = Some(Draft::Making(record.created)));
    assert_eq!(next.keep_house_in(61 * SECOND).undone, 1);
    assert!(next.record(ABROAD, &key).is_none());
    let primary = next.record(HOME, &key).unwrap();
    assert_eq!(primary.multi_region.as_ref().unwrap().regions, [HOME]);
    assert_eq!(next.objects(&object(&primary)), 1);
    next.ask("ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": ABROAD }));
}

#[test]
fn house_kept_twice_does_nothing_twice() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({}));
    front.ask("EnableKeyRotation", json!({ "KeyId": key, "RotationPeriodInDays": 90 }));
    let others: Vec<Front> = (0..3).map(|_| Front::start()).collect();
    let rotated: usize = std::thread::scope(|threads| {
        let kept: Vec<_> =
            others.iter().map(|front| threads.spawn(|| front.keep_house_in(91 * DAY).rotated)).collect();
        kept.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(rotated, 1);
    assert_eq!(front.record(HOME, &key).unwrap().materials.len(), 2);
    // What other tests find later is theirs.
    front.ask("DisableKeyRotation", json!({ "KeyId": key }));
}

/// A multi-Region key in both Regions.
fn replicated() -> String {
    let front = Front::start();
    let key = front.create(json!({ "MultiRegion": true }));
    front.ask("ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": ABROAD }));
    key
}
