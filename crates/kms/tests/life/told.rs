//! What the audit trail tells of the service's own acts.

use std::path::Path;

use cloister_kms::audit::{Settings, Trail, Unwritable};
use cloister_kms::clock::DAY;
use cloister_kms::keys::record::{Import, Origin};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, Front, HOME, alone};

/// The events about a key.
fn events(folder: &Path, key: &str) -> Vec<Value> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files
        .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
        .map(|file| std::fs::read_to_string(file).unwrap());
    let events = texts.flat_map(|text| {
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    });
    let arn = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{key}");
    events.filter(|event| event["resources"][0]["ARN"] == arn.as_str()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["eventName"].as_str().unwrap()).collect()
}

#[test]
fn k58_rotation_expiry_and_deletion_by_the_service_are_in_the_audit_trail() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        directory: folder.path().to_owned(),
        segment_bytes: 1024 * 1024,
        unwritable: Unwritable::Refuse,
    };
    let mut front = Front::start();
    front.0.trail = Some(Trail::open(settings).unwrap().0);
    let [turned, expired] = [(); 2].map(|()| front.create(json!({})));
    front.ask("EnableKeyRotation", json!({ "KeyId": turned, "RotationPeriodInDays": 90 }));
    front.leave(HOME, &expired, |record| {
        record.origin = Origin::External;
        record.materials[0].import = Some(Import { expires: Some(front.now()), description: None });
    });
    front.keep_house_in(91 * DAY);
    let rotation = events(folder.path(), &turned);
    assert_eq!(names(&rotation), ["RotateKey"]);
    let current = front.record(HOME, &turned).unwrap().current().unwrap().id.clone();
    assert_eq!(rotation[0]["serviceEventDetails"]["currentKeyMaterialId"], current);
    let expiry = events(folder.path(), &expired);
    assert_eq!(names(&expiry), ["DeleteExpiredKeyMaterial"]);
    assert_eq!((&expiry[0]["eventType"], &expiry[0]["readOnly"]), (&json!("AwsServiceEvent"), &json!(false)));

    for key in [&turned, &expired] {
        front.ask("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }));
    }
    front.keep_house_in(8 * DAY);
    assert_eq!(names(&events(folder.path(), &turned)), ["RotateKey", "DeleteKey"]);
    assert_eq!(names(&events(folder.path(), &expired)), ["DeleteExpiredKeyMaterial", "DeleteKey"]);
}
