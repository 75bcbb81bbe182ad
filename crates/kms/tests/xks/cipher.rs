//! Encryption, decryption and metadata of keys.

use crate::proxy::SETTINGS;
use crate::support::{Running, SoftVault, metadata};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloister_kms::xks::protocol::binding::integrity_value;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const AAD: &str = "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n";
const HELLO: &str = "SGVsbG8gV29ybGQh";

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

async fn running() -> Running {
    Running::new(Arc::new(SoftVault::default())).await
}

#[tokio::test]
async fn what_was_encrypted_decrypts_with_the_same_additional_data_only() {
    let running = running().await;
    let client = running.client();
    for aad in [None, Some(AAD)] {
        let encrypted = client.encrypt("orders", HELLO, aad).await.done();
        assert_eq!(bytes(&encrypted["ciphertext"]).len(), 12);
        assert_eq!(bytes(&encrypted["initializationVector"]).len(), 16);
        assert_eq!(bytes(&encrypted["authenticationTag"]).len(), 16);
        let decrypted = client.decrypt("orders", &encrypted, aad, |_| {}).await.done();
        assert_eq!(decrypted, json!({ "plaintext": HELLO }));
        let other = if aad.is_some() { None } else { Some(AAD) };
        for wrong in [other, Some("AAAA")] {
            let answer = client.decrypt("orders", &encrypted, wrong, |_| {}).await;
            answer.refused(400, "InvalidCiphertextException");
        }
    }
}

#[tokio::test]
async fn no_part_of_a_ciphertext_can_be_changed() {
    let running = running().await;
    let client = running.client();
    let encrypted = client.encrypt("orders", HELLO, Some(AAD)).await.done();
    for field in ["ciphertext", "ciphertextMetadata", "initializationVector", "authenticationTag"] {
        let mut changed = bytes(&encrypted[field]);
        *changed.last_mut().unwrap() ^= 1;
        let longer = [&bytes(&encrypted[field])[..], &[0]].concat();
        for value in [changed, longer, Vec::new()] {
            let put = |body: &mut Value| body[field] = STANDARD.encode(&value).into();
            let answer = client.decrypt("orders", &encrypted, Some(AAD), put).await;
            answer.refused(400, "InvalidCiphertextException");
        }
    }
    // Metadata handed in as additional data, or left out.
    let bare = client.encrypt("orders", HELLO, None).await.done();
    let moved = |body: &mut Value| {
        body["additionalAuthenticatedData"] = body["ciphertextMetadata"].take();
        body.as_object_mut().unwrap().remove("ciphertextMetadata");
    };
    client.decrypt("orders", &bare, None, moved).await.refused(400, "InvalidCiphertextException");
    let long = |body: &mut Value| body["ciphertextMetadata"] = STANDARD.encode([0; 21]).into();
    client.decrypt("orders", &bare, None, long).await.refused(400, "ValidationException");
    client.decrypt("decrypts", &bare, None, |_| {}).await.refused(400, "InvalidCiphertextException");
}

#[tokio::test]
async fn the_integrity_value_is_there_when_asked_for_and_right() {
    let running = running().await;
    let client = running.client();
    for aad in [None, Some(AAD)] {
        let encrypted = client.encrypt("orders", HELLO, aad).await.done();
        let part = |field: &str| bytes(&encrypted[field]);
        let value = integrity_value(
            &aad.map_or(Vec::new(), |aad| STANDARD.decode(aad).unwrap()),
            &part("ciphertextMetadata"),
            &part("initializationVector"),
            &part("ciphertext"),
            &part("authenticationTag"),
        );
        assert_eq!(part("ciphertextDataIntegrityValue"), value);
    }
    let unasked = json!({
        "requestMetadata": metadata("Encrypt"), "plaintext": HELLO, "encryptionAlgorithm": "AES_GCM",
    });
    let encrypted = client.post("keys/orders/encrypt", &unasked).await.done();
    assert_eq!(encrypted.get("ciphertextDataIntegrityValue"), None);
}

#[tokio::test]
async fn each_ciphertext_is_decrypted_before_it_is_given_out() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::new(vault.clone()).await;
    let client = running.client();
    vault.spoiled.store(1, Ordering::SeqCst);
    let encrypted = client.encrypt("orders", HELLO, None).await.done();
    client.decrypt("orders", &encrypted, None, |_| {}).await.done();
    vault.spoiled.store(2, Ordering::SeqCst);
    client.encrypt("orders", HELLO, None).await.refused(500, "InternalException");
}

#[tokio::test]
async fn sizes_are_those_of_the_specification_and_not_more() {
    let running = running().await;
    let client = running.client();
    let of = |length: usize| STANDARD.encode(vec![7; length]);
    for length in [0, 1, 4300] {
        let encrypted = client.encrypt("orders", &of(length), Some(&of(8192))).await.done();
        assert_eq!(bytes(&encrypted["ciphertext"]).len(), length);
        let decrypted = client.decrypt("orders", &encrypted, Some(&of(8192)), |_| {}).await.done();
        assert_eq!(decrypted["plaintext"], of(length));
    }
    let refused = |answer: crate::support::Answer| answer.refused(501, "UnsupportedOperationException");
    refused(client.encrypt("orders", &of(4301), None).await);
    refused(client.encrypt("orders", HELLO, Some(&of(8193))).await);
    let encrypted = client.encrypt("orders", HELLO, None).await.done();
    refused(client.decrypt("orders", &encrypted, Some(&of(8193)), |_| {}).await);
    let long = |body: &mut Value| body["ciphertext"] = of(4301).into();
    refused(client.decrypt("orders", &encrypted, None, long).await);
}

#[tokio::test]
async fn vectors_of_12_bytes_are_a_setting_and_either_decrypts() {
    let settings = format!("iv-bytes = 12\n{SETTINGS}");
    let short = Running::with(&settings, Arc::new(SoftVault::default())).await;
    let long = running().await;
    let encrypted = short.client().encrypt("orders", HELLO, None).await.done();
    assert_eq!(bytes(&encrypted["initializationVector"]).len(), 12);
    assert_eq!(long.client().decrypt("orders", &encrypted, None, |_| {}).await.done()["plaintext"], HELLO);
}

#[tokio::test]
async fn k84_the_newest_version_encrypts_and_older_ones_still_decrypt() {
    let vault = Arc::new(SoftVault::default());
    let both = Running::new(vault.clone()).await;
    let first_only = SETTINGS.replace(
        "keys-here = true",
        "[[prefix.key]]\nid = \"orders\"\nversions = [{ version = 1, label = \"orders-1\" }]",
    );
    let before = Running::with(&first_only, vault).await;
    let old = before.client().encrypt("orders", HELLO, Some(AAD)).await.done();
    assert_eq!(before.last_line()["keyVersion"], 1);
    let new = both.client().encrypt("orders", HELLO, Some(AAD)).await.done();
    assert_eq!(both.last_line()["keyVersion"], 2);
    assert!(bytes(&new["ciphertextMetadata"]).len() <= 20);
    for (encrypted, version) in [(&old, 1), (&new, 2)] {
        let decrypted = both.client().decrypt("orders", encrypted, Some(AAD), |_| {}).await.done();
        assert_eq!(
            (&decrypted["plaintext"], &both.last_line()["keyVersion"]),
            (&HELLO.into(), &version.into())
        );
    }
    before
        .client()
        .decrypt("orders", &new, Some(AAD), |_| {})
        .await
        .refused(400, "InvalidCiphertextException");
    // A version is not taken for another.
    let swap = |body: &mut Value| body["ciphertextMetadata"] = new["ciphertextMetadata"].clone();
    both.client().decrypt("orders", &old, Some(AAD), swap).await.refused(400, "InvalidCiphertextException");
}

#[tokio::test]
async fn metadata_tells_kind_usage_and_status() {
    let running = running().await;
    let client = running.client();
    let body = json!({ "requestMetadata": metadata("CreateKey") });
    let ask = async |key: &str| client.post(&format!("keys/{key}/metadata"), &body).await;
    for (key, usage, status) in [
        ("orders", json!(["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP"]), "ENABLED"),
        ("off", json!(["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP"]), "DISABLED"),
        ("encrypts", json!(["ENCRYPT"]), "ENABLED"),
        ("impotent", json!(["SIGN"]), "DISABLED"),
    ] {
        let expected = json!({ "keySpec": "AES_256", "keyUsage": usage, "keyStatus": status });
        assert_eq!(ask(key).await.done(), expected, "{key}");
    }
    ask("small").await.refused(400, "InvalidKeyUsageException");
    ask("gone").await.refused(404, "KeyNotFoundException");
    ask("nowhere").await.refused(404, "KeyNotFoundException");
}

#[tokio::test]
async fn k85_a_disabled_or_destroyed_key_does_nothing_from_the_next_call_on() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::new(vault.clone()).await;
    let client = running.client();
    let encrypted = client.encrypt("orders", HELLO, None).await.done();
    client.encrypt("off", HELLO, None).await.refused(400, "InvalidStateException");
    client.decrypt("off", &encrypted, None, |_| {}).await.refused(400, "InvalidStateException");
    vault.destroy("orders-2");
    client.encrypt("orders", HELLO, None).await.refused(404, "KeyNotFoundException");
    client.decrypt("orders", &encrypted, None, |_| {}).await.refused(404, "KeyNotFoundException");
}

#[tokio::test]
async fn a_key_does_only_what_it_is_allowed_to() {
    let running = running().await;
    let client = running.client();
    let plain = json!({
        "requestMetadata": metadata("Encrypt"), "plaintext": HELLO, "encryptionAlgorithm": "AES_GCM",
    });
    for key in ["decrypts", "impotent"] {
        client.post(&format!("keys/{key}/encrypt"), &plain).await.refused(400, "InvalidKeyUsageException");
        client.encrypt(key, HELLO, None).await.refused(400, "InvalidKeyUsageException");
    }
    // What can't be checked is given without a promise, or not at all.
    let encrypted = client.post("keys/encrypts/encrypt", &plain).await.done();
    client.decrypt("encrypts", &encrypted, None, |_| {}).await.refused(400, "InvalidKeyUsageException");
    client.encrypt("encrypts", HELLO, None).await.refused(400, "InvalidKeyUsageException");
    client.encrypt("small", HELLO, None).await.refused(400, "InvalidKeyUsageException");
}

#[tokio::test]
async fn k83_the_log_has_what_kms_says_of_a_request_and_never_plaintext() {
    let running = running().await;
    let client = running.client();
    let encrypted = client.encrypt("orders", HELLO, Some(AAD)).await.done();
    let line = running.last_line();
    for (field, expected) in [
        ("operation", json!("Encrypt")),
        ("prefix", json!("/t")),
        ("key", json!("orders")),
        ("keyVersion", json!(2)),
        ("rule", json!("allow-all")),
        ("status", json!(200)),
    ] {
        assert_eq!(line[field], expected, "{field}");
    }
    for (field, value) in metadata("Encrypt").as_object().unwrap() {
        assert_eq!(&line[field], value, "{field}");
    }
    assert!(line["durationMicros"].is_u64() && line["time"].as_str().unwrap().ends_with('Z'));
    client.decrypt("orders", &encrypted, Some(AAD), |_| {}).await.done();
    client.decrypt("orders", &encrypted, None, |_| {}).await.refused(400, "InvalidCiphertextException");
    assert_eq!(running.last_line()["errorName"], "InvalidCiphertextException");
    client.encrypt("nowhere", HELLO, None).await.refused(404, "KeyNotFoundException");
    assert_eq!(running.last_line()["kmsRequestId"], metadata("Encrypt")["kmsRequestId"]);
    let log = running.log.text();
    assert_eq!(log.lines().count(), 4);
    assert!(!log.contains(HELLO) && !log.contains("Hello"), "{log}");
}
