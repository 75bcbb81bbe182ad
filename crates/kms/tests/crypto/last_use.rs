//! When a key last did its work, as one front and another know it.

use serde_json::{Value, json};

use crate::support::{Front, blob};

fn last(front: &Front, key: &str) -> Value {
    front.get("GetKeyLastUsage", json!({ "KeyId": key }))["KeyLastUsage"].clone()
}

#[test]
fn k18_the_last_use_is_known_at_once_and_to_other_fronts_once_it_is_written() {
    let front = Front::new("uses");
    let other = front.beside();
    let key = front.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    assert_eq!(last(&front, &key), json!({}));
    let made = front.get("Encrypt", json!({ "KeyId": key, "Plaintext": blob(b"hello") }));
    assert_eq!(last(&front, &key)["Operation"], "Encrypt");
    assert_eq!(last(&other, &key), json!({}));
    front.service.last_uses.write(&front.service.book);
    assert_eq!(last(&other, &key)["Operation"], "Encrypt");
    assert_eq!(last(&other, &key)["KmsRequestId"], "request-1");
    other.get("Decrypt", json!({ "CiphertextBlob": made["CiphertextBlob"] }));
    other.service.last_uses.write(&other.service.book);
    assert_eq!(last(&front, &key)["Operation"], "Decrypt");
}

#[test]
fn k18_what_fails_or_is_a_dry_run_is_no_use() {
    let front = Front::new("failures");
    let key = front.key("HMAC_256", "GENERATE_VERIFY_MAC");
    let mut request =
        json!({ "KeyId": key, "Message": blob(b"m"), "MacAlgorithm": "HMAC_SHA_256", "Mac": blob(b"mac") });
    front.ask("VerifyMac", request.clone()).unwrap_err();
    request["DryRun"] = json!(true);
    front.ask("GenerateMac", request).unwrap_err();
    assert_eq!(last(&front, &key), json!({}));
}
