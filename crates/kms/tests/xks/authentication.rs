//! Whom the proxy believes (specification, "Authentication" and appendix A).

use crate::proxy::{SETTINGS, credential, write_credentials};
use crate::support::{Client, Running, SoftVault, metadata};
use cloister_kms::auth::credentials::Secret;
use http::{Method, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

fn body() -> Value {
    json!({ "requestMetadata": metadata("DescribeKey") })
}

async fn ask(client: &Client) -> crate::support::Answer {
    client.post("keys/orders/metadata", &body()).await
}

#[tokio::test]
async fn k81_only_signatures_of_the_prefix_its_service_and_this_moment_count() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    ask(&running.client()).await.done();
    assert_eq!(running.last_line()["accessKeyId"], credential("t").access_key);
    let wrong: [fn(&mut Client); 6] = [
        |client| client.credential = credential("u"),
        |client| client.credential.secret = Secret::new("A".repeat(43)),
        |client| client.service = "kms",
        |client| client.now += Duration::from_secs(330),
        |client| client.now -= Duration::from_secs(330),
        |client| client.credential.session_token = Some(Secret::new("token".to_owned())),
    ];
    for change in wrong {
        let mut client = running.client();
        change(&mut client);
        ask(&client).await.refused(401, "AuthenticationFailedException");
        let line = running.last_line();
        assert_eq!(line["accessKeyId"], Value::Null);
        assert_eq!(line["claimedAccessKeyId"], client.credential.access_key);
    }
    for minutes in [4_i64, -4] {
        let mut client = running.client();
        let off = Duration::from_secs(minutes.unsigned_abs() * 60);
        client.now = if minutes > 0 { client.now + off } else { client.now - off };
        ask(&client).await.done();
    }
}

#[tokio::test]
async fn k81_a_signature_covers_path_and_body() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let client = running.client();
    let path = client.path("keys/orders/metadata");
    let sign = || client.signed(Method::POST, &path, body().to_string().into_bytes());
    let send = async |request: Request<Vec<u8>>| {
        client.exchange(TcpStream::connect(running.address).await.unwrap(), request).await
    };
    send(sign()).await.done();
    let mut other_body = sign();
    other_body.body_mut().push(b' ');
    let mut other_path = sign();
    *other_path.uri_mut() = client.path("keys/off/metadata").parse().unwrap();
    let mut unsigned = sign();
    unsigned.headers_mut().remove("authorization");
    for request in [other_body, other_path, unsigned] {
        send(request).await.refused(401, "AuthenticationFailedException");
    }
}

#[tokio::test]
async fn k81_two_access_keys_count_at_once_and_change_without_a_restart() {
    let running = Running::new(Arc::new(SoftVault::default())).await;
    let file = running.folder.path().join("t.toml");
    let (old, new) = (running.client(), Client::new(running.address, "/t", credential("new")));
    write_credentials(&file, &[credential("t"), credential("new")]);
    ask(&old).await.done();
    ask(&new).await.done();
    write_credentials(&file, &[credential("new")]);
    ask(&old).await.refused(401, "AuthenticationFailedException");
    ask(&new).await.done();
}

#[tokio::test]
async fn prefixes_share_neither_access_keys_nor_keys() {
    let second = "[[prefix]]\npath = \"\"\ncredentials = \"u.toml\"\nauthorization = \"allow-all\"\n\
        [[prefix.key]]\nid = \"other\"\nversions = [{ version = 1, label = \"orders-1\" }]\n";
    let running = Running::with(&format!("{SETTINGS}\n{second}"), Arc::new(SoftVault::default())).await;
    let other = Client::new(running.address, "", credential("u"));
    other.post("keys/other/metadata", &body()).await.done();
    other.post("keys/orders/metadata", &body()).await.refused(404, "KeyNotFoundException");
    running.client().post("keys/other/metadata", &body()).await.refused(404, "KeyNotFoundException");
    let stranger = Client::new(running.address, "", credential("t"));
    stranger.post("keys/other/metadata", &body()).await.refused(401, "AuthenticationFailedException");
}
