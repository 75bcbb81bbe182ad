//! Who holds a latch, and who doesn't any more.

use cloister_kms::book::label;
use cloister_kms::hsm::Trouble;
use cloister_kms::keys::arn::KeyArn;
use cryptoki::object::Attribute;
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
