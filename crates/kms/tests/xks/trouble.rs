//! When the key manager fails or keeps the proxy waiting, and when the proxy ends.

use crate::proxy::SETTINGS;
use crate::support::{Running, SoftVault};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;

const HELLO: &str = "SGVsbG8gV29ybGQh";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_manager_that_does_not_answer_in_time_is_503() {
    let vault = Arc::new(SoftVault::default());
    let settings = SETTINGS.replace("sessions = 4", "sessions = 4\ndeadline-ms = 50");
    let running = Running::with(&settings, vault.clone()).await;
    let client = running.client();
    vault.hold();
    // More than there are sessions: those that wait for their turn are not kept longer than the others.
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        asked.spawn(async move { client.encrypt("orders", HELLO, None).await });
    }
    for answer in asked.join_all().await {
        answer.refused(503, "DependencyTimeoutException");
    }
    assert_eq!(running.last_line()["errorName"], "DependencyTimeoutException");
    vault.let_go();
}

#[tokio::test]
async fn a_key_manager_that_fails_is_500_and_the_next_call_may_succeed() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::new(vault.clone()).await;
    let client = running.client();
    vault.broken.store(true, Ordering::SeqCst);
    let message = client.encrypt("orders", HELLO, None).await.refused(500, "InternalException");
    assert!(message.contains("CKR_DEVICE_ERROR"), "{message}");
    vault.broken.store(false, Ordering::SeqCst);
    client.encrypt("orders", HELLO, None).await.done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_stops_answers_what_has_begun_and_takes_no_more() {
    let vault = Arc::new(SoftVault::default());
    let running = Running::new(vault.clone()).await;
    let client = running.client();
    vault.hold();
    let asked = tokio::spawn(async move { client.encrypt("orders", HELLO, None).await });
    while vault.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    running.stop.send(()).unwrap();
    vault.let_go();
    asked.await.unwrap().done();
    running.serving.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}
