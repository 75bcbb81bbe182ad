//! GetHealthStatus, and the page for load balancers.

use crate::support::{Running, SETTINGS, SoftVault};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_health_status_is_that_of_a_key_manager_that_was_used() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::with(&format!("fleet-size = 2\n{SETTINGS}"), vault.clone()).await;
    let body = json!({ "requestMetadata": { "kmsOperation": "KmsHealthCheck", "kmsRequestId": "1" } });
    let answer = running.client().post("health", &body).await.done();
    assert_eq!((&answer["xksProxyFleetSize"], &answer["ekmVendor"]), (&json!(2), &json!("Soft")));
    let fleet = answer["ekmFleetDetails"].as_array().unwrap();
    assert_eq!((fleet.len(), &fleet[0]["id"], &fleet[0]["model"]), (1, &json!("0001"), &json!("Soft 1.0")));
    assert!(["ACTIVE", "DEGRADED"].contains(&fleet[0]["healthStatus"].as_str().unwrap()));
    for field in ["xksProxyVendor", "xksProxyModel"] {
        assert!(answer[field].as_str().unwrap().starts_with("Cloister"));
    }
    assert_eq!(vault.calls.load(Ordering::SeqCst), 2, "an encryption and a decryption");
    // A good result is told again.
    running.client().post("health", &body).await.done();
    assert_eq!(vault.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_broken_key_manager_is_not_healthy() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::with(&format!("health = {{ seconds = 0 }}\n{SETTINGS}"), vault.clone()).await;
    let body = json!({ "requestMetadata": { "kmsOperation": "KmsHealthCheck", "kmsRequestId": "1" } });
    let client = running.client();
    client.post("health", &body).await.done();
    vault.broken.store(true, Ordering::SeqCst);
    client.post("health", &body).await.refused(500, "InternalException");
    vault.broken.store(false, Ordering::SeqCst);
    vault.spoiled.store(1, Ordering::SeqCst);
    client.post("health", &body).await.refused(500, "InternalException");
    client.post("health", &body).await.done();
    vault.destroy("orders-2");
    client.post("health", &body).await.refused(404, "KeyNotFoundException");
}

#[tokio::test]
async fn health_needs_request_id_and_operation() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    for body in [
        json!({}),
        json!({ "requestMetadata": {} }),
        json!({ "requestMetadata": { "kmsRequestId": "1" } }),
        json!({ "requestMetadata": { "kmsOperation": "KmsHealthCheck" } }),
    ] {
        client.post("health", &body).await.refused(400, "ValidationException");
    }
}
