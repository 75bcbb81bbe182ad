//! GetHealthStatus, and the page for load balancers.

use crate::proxy::SETTINGS;
use crate::support::{Running, SoftVault};
use cloister_kms::xks::proxy::serve_probe;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

#[tokio::test]
async fn load_balancers_and_monitoring_have_a_port_of_their_own() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::with(&format!("health = {{ seconds = 0 }}\n{SETTINGS}"), vault.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_probe(listener, running.proxy.clone()));
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: probe\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let client = running.client();
    client.encrypt("orders", "AA==", None).await.done();
    client.encrypt("nowhere", "AA==", None).await.refused(404, "KeyNotFoundException");
    assert!(get("/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(get("/kms/xks/v1/health").await.starts_with("HTTP/1.1 404 "));
    let page = get("/metrics").await;
    for line in [
        "cloister_xks_proxy_requests_total{operation=\"Encrypt\",status=\"200\"} 1",
        "cloister_xks_proxy_requests_total{operation=\"Encrypt\",status=\"404\"} 1",
        "cloister_xks_proxy_request_seconds_count{operation=\"Encrypt\"} 2",
    ] {
        assert!(page.contains(line), "{line} is missing in {page}");
    }
    vault.broken.store(true, Ordering::SeqCst);
    assert!(get("/healthz").await.starts_with("HTTP/1.1 503 "));
}
