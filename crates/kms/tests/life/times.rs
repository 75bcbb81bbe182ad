//! What happens on its day.

use cloister_kms::api::error::Code;
use cloister_kms::book::label;
use cloister_kms::clock::{DAY, Moment};
use cloister_kms::housekeeping::LastSeen;
use cloister_kms::keys::import::ImportRecord;
use serde_json::json;

use crate::support::{ABROAD, ACCOUNT, Front, HOME, alone, object};

const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn k50_on_its_day_a_key_leaves_the_hsm_with_all_its_materials_whichever_front_was_asked() {
    let _alone = alone();
    let (asked, other) = (Front::start(), Front::start());
    let key = asked.create(json!({}));
    asked.ask("RotateKeyOnDemand", json!({ "KeyId": key }));
    asked.ask("CreateAlias", json!({ "AliasName": "alias/doomed", "TargetKeyId": key }));
    let record = asked.record(HOME, &key).unwrap();
    let objects: Vec<String> =
        record.materials.iter().filter_map(|material| material.object.clone()).collect();
    assert_eq!(objects.len(), 2);
    asked.ask("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }));
    other.keep_house_in(7 * DAY - HOUR);
    assert!(objects.iter().all(|object| other.objects(object) == 1));
    assert_eq!(other.keep_house_in(7 * DAY + HOUR).deleted, 1);
    assert!(objects.iter().all(|object| other.objects(object) == 0));
    assert!(other.record(HOME, &key).is_none());
    let alias = asked.ask_as(ACCOUNT, HOME, "DescribeKey", json!({ "KeyId": "alias/doomed" }));
    assert_eq!(alias.unwrap_err().code, Code::NotFoundException);
}

#[test]
fn k50_a_front_that_starts_days_after_all_others_deletes_nothing_for_now() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({}));
    let object = object(&front.record(HOME, &key).unwrap());
    front.ask("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }));
    front.keep_house_in(0);
    let seen = front.0.book.read::<LastSeen>(label::LAST_SEEN).unwrap().unwrap();
    let keep = |at| {
        let kept = front.0.book.read::<LastSeen>(label::LAST_SEEN).unwrap().unwrap();
        front.0.book.replace(label::LAST_SEEN, kept.object, &LastSeen { format: 1, at }).unwrap()
    };
    keep(Moment::real().plus(-3 * DAY));
    let late = Front::start();
    for _ in 0..2 {
        let report = late.keep_house_in(8 * DAY);
        assert_eq!((report.deleted, report.delayed), (0, 1));
        assert_eq!(front.objects(&object), 1);
    }
    keep(seen.value.at);
    assert_eq!(Front::start().keep_house_in(8 * DAY).deleted, 1);
    assert_eq!(front.objects(&object), 0);
}

#[test]
fn k60_material_goes_with_the_last_of_its_regions() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({ "MultiRegion": true }));
    front.ask("ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": ABROAD }));
    let object = object(&front.record(HOME, &key).unwrap());
    front.0.clock.advance(1000);
    front.ask("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }));
    front
        .ask_as(ACCOUNT, ABROAD, "ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }))
        .unwrap();
    front.keep_house_in(8 * DAY);
    assert!(front.record(ABROAD, &key).is_none() && front.record(HOME, &key).is_some());
    assert_eq!(front.objects(&object), 1);
    front.keep_house_in(14 * DAY);
    assert!(front.record(HOME, &key).is_some(), "the primary's own days begin when the last replica is gone");
    front.keep_house_in(16 * DAY);
    assert!(front.record(HOME, &key).is_none());
    assert_eq!(front.objects(&object), 0);
}

#[test]
fn k52_a_wrapping_key_that_nobody_used_goes_after_a_day() {
    let _alone = alone();
    let front = Front::start();
    let key = front.create(json!({ "Origin": "EXTERNAL" }));
    let request =
        json!({ "KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048" });
    front.ask("GetParametersForImport", request);
    let name = front.0.book.names(label::IMPORTS, None, 1).unwrap().remove(0);
    let wrapping_key = front.0.book.read::<ImportRecord>(&name).unwrap().unwrap().value.object.clone();
    front.keep_house_in(23 * HOUR);
    assert_eq!(front.objects(&wrapping_key), 1);
    assert_eq!(front.keep_house_in(25 * HOUR).parameters, 1);
    assert_eq!(front.objects(&wrapping_key), 0);
    assert!(front.0.book.names(label::IMPORTS, None, 1).unwrap().is_empty());
}

#[test]
fn k94_disabled_keys_count_against_the_quota_of_an_account_and_region() {
    let _alone = alone();
    let front = Front::with("keys-per-region = 2");
    let create = |account: &str, region: &str| front.ask_as(account, region, "CreateKey", json!({}));
    let first = create("444455556666", HOME).unwrap()["KeyMetadata"]["KeyId"].clone();
    create("444455556666", HOME).unwrap();
    front.ask_as("444455556666", HOME, "DisableKey", json!({ "KeyId": first })).unwrap();
    assert_eq!(create("444455556666", HOME).unwrap_err().code, Code::LimitExceededException);
    create("444455556666", ABROAD).unwrap();
    create("777788889999", HOME).unwrap();
}
