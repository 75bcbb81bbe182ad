//! Secondary authorization and throttling, over the wire.

use crate::proxy::SETTINGS;
use crate::support::{Running, SoftVault, metadata};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn k82_what_no_rule_allows_is_403_and_the_log_names_the_rule() {
    let rules = "authorization = \"rules\"\n\
        [[prefix.rule]]\nname = \"alice\"\nprincipals = [\"arn:aws:iam::123456789012:user/Alice\"]\n\
        [[prefix.rule]]\nname = \"no copies\"\neffect = \"deny\"\noperations = [\"ReEncrypt\"]\n";
    let settings = SETTINGS.replace("authorization = \"allow-all\"\n", rules);
    let vault = Arc::new(SoftVault::default());
    let running = Running::with(&settings, vault.clone()).await;
    let client = running.client();
    let ask = async |principal: &str, operation: &str| {
        let mut body = json!({ "requestMetadata": metadata(operation) });
        body["requestMetadata"]["awsPrincipalArn"] = principal.into();
        client.post("keys/orders/metadata", &body).await
    };
    let alice = "arn:aws:iam::123456789012:user/Alice";
    ask(alice, "DescribeKey").await.done();
    assert_eq!(running.last_line()["rule"], "alice");
    let calls = vault.calls.load(std::sync::atomic::Ordering::SeqCst);
    let message = ask(alice, "ReEncrypt").await.refused(403, "AccessDeniedException");
    assert!(message.contains("no copies"), "{message}");
    assert_eq!(running.last_line()["rule"], "no copies");
    ask("arn:aws:iam::123456789012:user/Bob", "DescribeKey").await.refused(403, "AccessDeniedException");
    let line = running.last_line();
    assert_eq!((&line["errorName"], &line["rule"]), (&json!("AccessDeniedException"), &json!(null)));
    assert_eq!(vault.calls.load(std::sync::atomic::Ordering::SeqCst), calls, "the key manager was asked");
    // Health is not a matter of authorization.
    let health = json!({ "requestMetadata": { "kmsOperation": "ReEncrypt", "kmsRequestId": "1" } });
    client.post("health", &health).await.done();
}

#[tokio::test]
async fn requests_beyond_the_share_of_a_prefix_are_429() {
    let settings = SETTINGS
        .replace("authorization = \"allow-all\"", "authorization = \"allow-all\"\nrequests-per-second = 1");
    let running = Running::with(&settings, Arc::new(SoftVault::default())).await;
    let body = json!({ "requestMetadata": metadata("DescribeKey") });
    let client = running.client();
    // However slow this machine is, twenty requests at once are more than a share of one a second.
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, body) = (client.clone(), body.clone());
        asked.spawn(async move { client.post("keys/orders/metadata", &body).await });
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    let throttled = answers.into_iter().find(|answer| answer.status != 200).unwrap();
    throttled.refused(429, "ThrottlingException");
}
