//! The same over a real module, with a token in a folder.

use crate::module::loaded;
use crate::proxy::{KEYS_HERE, SETTINGS, make_key};
use crate::support::{Answer, Client, Running, metadata};
use cloister_kms::xks::proxy::TokenVault;
use cryptoki::object::Attribute;
use cryptoki::slot::Slot;
use serde_json::json;
use std::sync::Arc;

const HELLO: &str = "SGVsbG8gV29ybGQh";

/// For all sessions of this process.
fn log_out(slot: Slot) {
    loaded().module.open_rw_session(slot).unwrap().logout().unwrap();
}

/// In a session of its own: the login is the process's.
fn destroy(slot: Slot, label: &str) {
    let session = loaded().module.open_rw_session(slot).unwrap();
    let found = session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).unwrap();
    assert_eq!(found.len(), 1);
    session.destroy_object(found[0]).unwrap();
}

const KEYS: &str = r#"
[[prefix.key]]
id = "orders"
versions = [{ version = 1, label = "first" }, { version = 2, id = "0b" }]
[[prefix.key]]
id = "short"
versions = [{ version = 1, label = "short" }]
[[prefix.key]]
id = "twins"
versions = [{ version = 1, label = "twins" }]
[[prefix.key]]
id = "encrypts"
versions = [{ version = 1, label = "encrypts" }]
"#;

fn usage(encrypt: bool, decrypt: bool) -> [Attribute; 2] {
    [Attribute::Encrypt(encrypt), Attribute::Decrypt(decrypt)]
}

/// One test for all of it: a process has one login to a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_serves_keys_by_label_and_id_and_comes_back_after_its_login_is_lost() {
    let slot = loaded().make_token("box");
    let token = loaded().log_in("box");
    make_key(&token, "first", 32, &usage(true, true));
    make_key(&token, "second", 32, &[&usage(true, true)[..], &[Attribute::Id(vec![0x0b])]].concat());
    make_key(&token, "short", 16, &usage(true, true));
    make_key(&token, "twins", 32, &usage(true, true));
    make_key(&token, "twins", 32, &usage(true, true));
    make_key(&token, "encrypts", 32, &usage(true, false));
    token.log_out();
    drop(token);
    let settings = SETTINGS.replace(KEYS_HERE, KEYS);
    let running = Running::with(&settings, Arc::new(TokenVault::new(loaded().log_in("box")))).await;
    let client = running.client();
    k84_versions_of_a_key_are_keys_of_the_token(&client).await;
    keys_of_other_kinds_are_refused(&client).await;
    healthy(&client).await;

    // As after the token was away for a while.
    let encrypted = client.encrypt("orders", HELLO, None).await.done();
    log_out(slot);
    assert_eq!(client.decrypt("orders", &encrypted, None, |_| {}).await.done()["plaintext"], HELLO);
    client.encrypt("orders", HELLO, None).await.done();

    // K85: a key that the token has no more.
    destroy(slot, "second");
    client.decrypt("orders", &encrypted, None, |_| {}).await.refused(404, "KeyNotFoundException");
    client.encrypt("orders", HELLO, None).await.refused(404, "KeyNotFoundException");
}

async fn k84_versions_of_a_key_are_keys_of_the_token(client: &Client) {
    let encrypted = client.encrypt("orders", HELLO, Some("AAAA")).await.done();
    assert_eq!(client.decrypt("orders", &encrypted, Some("AAAA"), |_| {}).await.done()["plaintext"], HELLO);
    client.decrypt("orders", &encrypted, None, |_| {}).await.refused(400, "InvalidCiphertextException");
    for plaintext in ["", "AA=="] {
        let encrypted = client.encrypt("orders", plaintext, None).await.done();
        assert_eq!(client.decrypt("orders", &encrypted, None, |_| {}).await.done()["plaintext"], plaintext);
    }
}

async fn ask(client: &Client, key: &str) -> Answer {
    let body = json!({ "requestMetadata": metadata("DescribeKey") });
    client.post(&format!("keys/{key}/metadata"), &body).await
}

async fn keys_of_other_kinds_are_refused(client: &Client) {
    let answer = ask(client, "orders").await.done();
    assert_eq!((&answer["keySpec"], &answer["keyStatus"]), (&json!("AES_256"), &json!("ENABLED")));
    let usages = answer["keyUsage"].as_array().unwrap();
    assert!(usages.contains(&json!("ENCRYPT")) && usages.contains(&json!("DECRYPT")) && usages.len() <= 10);
    ask(client, "short").await.refused(400, "InvalidKeyUsageException");
    client.encrypt("short", HELLO, None).await.refused(400, "InvalidKeyUsageException");
    let message = ask(client, "twins").await.refused(500, "InternalException");
    assert!(message.contains("several"), "{message}");
    let usages = ask(client, "encrypts").await.done()["keyUsage"].clone();
    assert!(!usages.as_array().unwrap().contains(&json!("DECRYPT")));
    client.encrypt("encrypts", HELLO, None).await.refused(400, "InvalidKeyUsageException");
}

async fn healthy(client: &Client) {
    let body = json!({ "requestMetadata": { "kmsOperation": "KmsHealthCheck", "kmsRequestId": "1" } });
    let answer = client.post("health", &body).await.done();
    for text in
        [&answer["ekmVendor"], &answer["ekmFleetDetails"][0]["id"], &answer["ekmFleetDetails"][0]["model"]]
    {
        assert!(!text.as_str().unwrap().is_empty(), "{answer}");
    }
}
