//! Which paths, methods and sizes the proxy takes before it looks at what is asked.

use crate::support::{Running, SoftVault, metadata};
use http::Method;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn anything_but_post_is_405() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    for what in ["health", "keys/orders/metadata", "keys/orders/encrypt", "keys/orders/decrypt"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = client.send(method, &client.path(what), Vec::new()).await;
            assert_eq!((answer.status, &answer.headers["allow"]), (405, &"POST".parse().unwrap()), "{what}");
        }
    }
    assert_eq!(running.last_line()["status"], 405);
}

#[tokio::test]
async fn other_paths_are_invalid() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    let long = format!("/t/kms/xks/v1/keys/{}/metadata", "k".repeat(129));
    for path in [
        "/",
        "/t/kms/xks/v1",
        "/t/kms/xks/v2/health",
        "/kms/xks/v1/health",
        "/t/invalid/kms/xks/v1/keys/orders/encrypt",
        "/t/kms/xks/v1/keys/orders/sign",
        "/t/kms/xks/v1/keys/or%64ers/metadata",
        "/t/kms/xks/v1/keys/or~ders/metadata",
        "/t/kms/xks/v1/health?x=1",
        &long,
    ] {
        for method in [Method::POST, Method::GET] {
            let answer = client.send(method, path, b"{}".to_vec()).await;
            answer.refused(404, "InvalidUriPathException");
            assert_eq!(running.last_line()["path"], path.split('?').next().unwrap());
        }
    }
}

#[tokio::test]
async fn a_uri_has_up_to_256_characters() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let mut client = running.client();
    let body = json!({ "requestMetadata": metadata("DescribeKey") });
    let path = client.path(&format!("keys/{}/metadata", "k".repeat(128)));
    client.host = "h".repeat(256 - "https://".len() - path.len());
    let answer = client.send(Method::POST, &path, body.to_string().into_bytes()).await;
    answer.refused(404, "KeyNotFoundException");
    client.host.push('h');
    let answer = client.send(Method::POST, &path, body.to_string().into_bytes()).await;
    answer.refused(404, "InvalidUriPathException");
}

#[tokio::test]
async fn bodies_have_up_to_64_kib() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    let mut body = json!({ "requestMetadata": metadata("DescribeKey") }).to_string().into_bytes();
    body.resize(64 << 10, b' ');
    client.send(Method::POST, &client.path("keys/orders/metadata"), body.clone()).await.done();
    body.push(b' ');
    let answer = client.send(Method::POST, &client.path("keys/orders/metadata"), body).await;
    answer.refused(501, "UnsupportedOperationException");
}

#[tokio::test]
async fn what_is_no_request_is_invalid_and_not_repeated() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    let whole = json!({
        "requestMetadata": metadata("Encrypt"),
        "plaintext": "c2VjcmV0",
        "encryptionAlgorithm": "AES_GCM",
    });
    client.post("keys/orders/encrypt", &whole).await.done();
    let without = |field: &str| {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let with = |field: &str, value: serde_json::Value| {
        let mut body = whole.clone();
        body[field] = value;
        body
    };
    for (body, expected) in [
        (json!({}), "requestMetadata is missing"),
        (json!([]), "of a wrong type"),
        (without("requestMetadata"), "requestMetadata is missing"),
        (without("plaintext"), "plaintext is missing"),
        (without("encryptionAlgorithm"), "encryptionAlgorithm is missing"),
        (with("plaintext", "sec ret".into()), "not Base64"),
        (with("plaintext", 987_654.into()), "of a wrong type"),
        (with("encryptionAlgorithm", "AES_CBC".into()), "must be AES_GCM"),
        (with("ciphertextDataIntegrityValueAlgorithm", "SHA_512".into()), "must be SHA_256"),
        (with("additionalAuthenticatedData", "-_".into()), "not Base64"),
    ] {
        let message = client.post("keys/orders/encrypt", &body).await.refused(400, "ValidationException");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("sec ret") && !message.contains("987654"), "{message}");
    }
    for text in ["", "{", "null and void"] {
        let answer = client.send(Method::POST, &client.path("health"), text.into()).await;
        answer.refused(400, "ValidationException");
    }
    assert!(!running.log.text().contains("sec ret") && !running.log.text().contains("987654"));
}

#[tokio::test]
async fn metadata_of_requests_has_what_the_operation_needs_and_may_have_more() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    let without = |field: &str| {
        let mut metadata = metadata("DescribeKey");
        metadata.as_object_mut().unwrap().remove(field);
        json!({ "requestMetadata": metadata })
    };
    for field in ["awsPrincipalArn", "kmsOperation", "kmsRequestId"] {
        let message =
            client.post("keys/orders/metadata", &without(field)).await.refused(400, "ValidationException");
        assert!(message.contains(field), "{message}");
    }
    // Before CreateKey there is no key in KMS.
    client.post("keys/orders/metadata", &without("kmsKeyArn")).await.done();
    let mut body = json!({
        "requestMetadata": without("kmsKeyArn")["requestMetadata"],
        "plaintext": "AA==",
        "encryptionAlgorithm": "AES_GCM",
    });
    let message = client.post("keys/orders/encrypt", &body).await.refused(400, "ValidationException");
    assert!(message.contains("kmsKeyArn"), "{message}");
    // Names that KMS may have one day, ids of any form, ARNs of 2,048 characters.
    body["requestMetadata"] = metadata("BulkEncrypt");
    body["requestMetadata"]["kmsRequestId"] = "any \"thing\"".into();
    body["requestMetadata"]["sourceIdentity"] = "new".into();
    body["requestMetadata"]["awsPrincipalArn"] = "a".repeat(2048).into();
    client.post("keys/orders/encrypt", &body).await.done();
    body["requestMetadata"]["awsPrincipalArn"] = "a".repeat(2049).into();
    client.post("keys/orders/encrypt", &body).await.refused(400, "ValidationException");
}
