//! Key stores behind an XKS proxy: the proxy of this crate, over a token of its own.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloister_kms::api::error::Code;
use cloister_kms::auth::credentials::Credential;
use cloister_kms::book::label;
use cloister_kms::stores::members::Member;
use cloister_kms::xks::proxy::TokenVault;
use cryptoki::object::Attribute;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::certificates::Identity;
use crate::module::loaded;
use crate::proxy::{KEYS_HERE, Lines, SETTINGS, credential, listen, make_key, proxy, write_credentials};
use crate::support::{ACCOUNT, Front};

const ENDPOINT: &str = "https://xks.example.com";

const KEYS: &str = r#"
[[prefix.key]]
id = "orders"
versions = [{ version = 1, label = "orders" }]
[[prefix.key]]
id = "more"
versions = [{ version = 1, label = "more" }]
[[prefix.key]]
id = "off"
status = "disabled"
versions = [{ version = 1, label = "off" }]
"#;

/// A proxy that runs until it is dropped.
struct Running {
    address: std::net::SocketAddr,
    log: Lines,
    runtime: Option<Runtime>,
    folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The key manager's token: one for all tests, for a program has one login a token.
fn vault() -> Arc<TokenVault> {
    static VAULT: OnceLock<Arc<TokenVault>> = OnceLock::new();
    let make = || {
        loaded().make_token("ekm");
        let token = loaded().log_in("ekm");
        for label in ["orders", "more", "off"] {
            make_key(&token, label, 32, &[Attribute::Encrypt(true), Attribute::Decrypt(true)]);
        }
        Arc::new(TokenVault::new(token))
    };
    VAULT.get_or_init(make).clone()
}

fn running() -> Running {
    running_in(tempfile::tempdir().unwrap(), SETTINGS)
}

fn running_in(folder: TempDir, settings: &str) -> Running {
    write_credentials(&folder.path().join("t.toml"), &[credential("t")]);
    let (proxy, log) = proxy(folder.path(), &settings.replace(KEYS_HERE, KEYS), vault());
    let runtime = Runtime::new().unwrap();
    let (address, _) = runtime.block_on(listen(proxy, std::future::pending()));
    Running { address, log, runtime: Some(runtime), folder }
}

/// A front that waits for its proxy as long as a busy machine may take.
fn front(region: &'static str, address: std::net::SocketAddr, more: &str) -> Front {
    front_of(region, address, more, 30_000)
}

fn front_of(region: &'static str, address: std::net::SocketAddr, more: &str, timeout: u64) -> Front {
    let endpoint =
        format!("[[xks-endpoint]]\nuri = '{ENDPOINT}'\naddress = '{address}'\nplain = true\n{more}\n");
    Front::new(region, &format!("xks-timeout-ms = {timeout}\n{endpoint}"))
}

/// A request for a store, with changes.
fn request(name: &str, changes: Value) -> Value {
    let Credential { access_key, secret, .. } = credential("t");
    let mut request = json!({
        "CustomKeyStoreName": name,
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": ENDPOINT,
        "XksProxyUriPath": "/t/kms/xks/v1",
        "XksProxyAuthenticationCredential": {"AccessKeyId": access_key, "RawSecretAccessKey": secret.expose()},
    });
    request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    request
}

fn create(front: &Front, name: &str) -> String {
    front.get("CreateCustomKeyStore", request(name, json!({})))["CustomKeyStoreId"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn key_request(store: &str, external: &str) -> Value {
    json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": external})
}

fn create_key(front: &Front, store: &str, external: &str) -> Value {
    front.get("CreateKey", key_request(store, external))["KeyMetadata"].clone()
}

#[test]
fn k76_an_external_key_is_of_one_key_that_is_made_while_its_store_is_connected() {
    let running = running();
    let front = front("x-one", running.address, "");
    let store = create(&front, "one");
    assert_eq!(
        front.refused("CreateKey", key_request(&store, "orders")),
        Code::CustomKeyStoreInvalidStateException
    );
    front.connect_well(&store);
    let told = front.store(&store);
    let Credential { access_key, secret, .. } = credential("t");
    assert_eq!(told["XksProxyConfiguration"]["AccessKeyId"], access_key);
    assert!(!told.to_string().contains(secret.expose()) && told["TrustAnchorCertificate"].is_null());
    let key = create_key(&front, &store, "orders");
    assert_eq!(
        (&key["Origin"], &key["XksKeyConfiguration"]["Id"]),
        (&json!("EXTERNAL_KEY_STORE"), &json!("orders"))
    );
    for (external, code) in [
        ("orders", Code::XksKeyAlreadyInUseException),
        ("off", Code::XksKeyInvalidConfigurationException),
        ("nothing", Code::XksKeyNotFoundException),
    ] {
        assert_eq!(front.refused("CreateKey", key_request(&store, external)), code);
    }
    front.disconnect(&store);
    assert_eq!(
        front.refused("DeleteCustomKeyStore", json!({"CustomKeyStoreId": store})),
        Code::CustomKeyStoreHasCMKsException
    );
}

#[test]
fn k77_k83_a_key_is_used_through_its_proxy() {
    let running = running();
    let front = front("x-use", running.address, "");
    let store = create(&front, "use");
    front.connect_well(&store);
    let key = create_key(&front, &store, "orders");
    let context = json!({"team": "a"});
    let request = json!({"KeyId": key["KeyId"], "Plaintext": "aGVsbG8=", "EncryptionContext": context});
    let blob = front.get("Encrypt", request)["CiphertextBlob"].clone();
    let line = running.log.last();
    assert!(
        line.contains("request-1")
            && line.contains(key["Arn"].as_str().unwrap())
            && line.contains("111122223333:root"),
        "{line}"
    );
    let answer = front.get("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context}));
    assert_eq!(answer["Plaintext"], "aGVsbG8=");
    assert_eq!(
        front.refused("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": {"team": "b"}})),
        Code::InvalidCiphertextException
    );
    let made = front.get("GenerateDataKey", json!({"KeyId": key["KeyId"], "NumberOfBytes": 1024}));
    let again = front.get("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
    assert_eq!(made["Plaintext"], again["Plaintext"]);
    let to =
        json!({"CiphertextBlob": blob, "SourceEncryptionContext": context, "DestinationKeyId": key["KeyId"]});
    let moved = front.get("ReEncrypt", to)["CiphertextBlob"].clone();
    assert_eq!(front.get("Decrypt", json!({"CiphertextBlob": moved}))["Plaintext"], "aGVsbG8=");
    for (operation, request) in [
        ("EnableKeyRotation", json!({"KeyId": key["KeyId"]})),
        ("GenerateDataKeyPair", json!({"KeyId": key["KeyId"], "KeyPairSpec": "ECC_NIST_P256"})),
        ("GenerateRandom", json!({"CustomKeyStoreId": store, "NumberOfBytes": 32})),
    ] {
        assert_eq!(front.refused(operation, request), Code::UnsupportedOperationException, "{operation}");
    }
    front.disconnect(&store);
    assert_eq!(
        front.refused("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context})),
        Code::KMSInvalidStateException
    );
}

#[test]
fn k76_an_external_key_that_a_dead_front_has_claimed_is_free_after_a_minute() {
    let running = running();
    let (front, other) = (front("x-left", running.address, ""), front("x-left", running.address, ""));
    let store = create(&front, "left");
    front.connect_well(&store);
    let label = label::member(ACCOUNT, "x-left", &store, "orders");
    front.service.book.create(&label, &Member { key: "never-came".to_owned() }).unwrap();
    let refused = |front: &Front| {
        front.refused("CreateKey", key_request(&store, "orders")) == Code::XksKeyAlreadyInUseException
    };
    assert!(refused(&front));
    front.service.clock.advance(50_000);
    assert!(refused(&front));
    front.service.clock.advance(11_000);
    assert!(refused(&other), "each front goes by what it has seen itself");
    create_key(&front, &store, "orders");
    // A call that took too long leaves nothing that would have to be waited for.
    let late = front.ask_late("CreateKey", key_request(&store, "more"), Duration::from_secs(46)).unwrap_err();
    assert_eq!(late.code, Code::DependencyTimeoutException);
    create_key(&front, &store, "more");
    other.service.clock.advance(61_000);
    assert!(refused(&other), "the key has come");
}

#[test]
fn k79_k80_a_proxy_that_is_away_makes_keys_unusable_and_nothing_else() {
    let running = running();
    let well = front("x-away", running.address, "");
    let store = create(&well, "away");
    well.connect_well(&store);
    let key = create_key(&well, &store, "orders");
    let request_to_encrypt = json!({"KeyId": key["KeyId"], "Plaintext": "aGVsbG8="});
    let blob = well.get("Encrypt", request_to_encrypt)["CiphertextBlob"].clone();
    // One that takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let waiting = front_of("x-away", silent.local_addr().unwrap(), "", 250);
    let begun = std::time::Instant::now();
    let fault = waiting.ask("Decrypt", json!({"CiphertextBlob": blob})).unwrap_err();
    assert_eq!((fault.code, fault.code.status()), (Code::KMSInvalidStateException, 400));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(490), "two tries of 250 ms");
    let gone = silent.local_addr().unwrap();
    drop(silent);
    let away = front("x-away", gone, "");
    assert_eq!(away.refused("Decrypt", json!({"CiphertextBlob": blob})), Code::KMSInvalidStateException);
    assert_eq!(
        away.refused("CreateKey", key_request(&store, "more")),
        Code::CustomKeyStoreInvalidStateException
    );
    let another = request("other", json!({}));
    assert_eq!(away.refused("CreateCustomKeyStore", another), Code::XksProxyUriUnreachableException);
    let told = away.get("DescribeKey", json!({"KeyId": key["KeyId"]}));
    assert_eq!(told["KeyMetadata"]["KeyState"], "Enabled");
    assert_eq!(well.get("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"], "aGVsbG8=");
}

#[test]
fn k76_k81_a_store_is_made_only_of_what_works() {
    let running = running();
    let vpc = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";
    let front = front("x-made", running.address, &format!("vpc-endpoint-service = '{vpc}'"));
    let access_key = credential("t").access_key;
    let credential = |secret: &str| json!({"AccessKeyId": access_key, "RawSecretAccessKey": secret});
    for (changes, code) in [
        (json!({"XksProxyUriEndpoint": "https://xks.invalid"}), Code::XksProxyUriUnreachableException),
        (json!({"XksProxyUriPath": "/other/kms/xks/v1"}), Code::XksProxyInvalidConfigurationException),
        (json!({"XksProxyUriPath": "/t/kms/xks/v2"}), Code::XksProxyInvalidConfigurationException),
        (
            json!({"XksProxyAuthenticationCredential": credential(&"x".repeat(43))}),
            Code::XksProxyIncorrectAuthenticationCredentialException,
        ),
        (json!({"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE"}), Code::ValidationException),
        (
            json!({"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyVpcEndpointServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1"}),
            Code::XksProxyVpcEndpointServiceNotFoundException,
        ),
        (json!({"XksProxyUriPath": null}), Code::ValidationException),
        (json!({"KeyStorePassword": "password"}), Code::ValidationException),
    ] {
        assert_eq!(
            front.refused("CreateCustomKeyStore", request("made", changes.clone())),
            code,
            "{changes}"
        );
    }
    let behind =
        json!({"XksProxyConnectivity": "VPC_ENDPOINT_SERVICE", "XksProxyVpcEndpointServiceName": vpc});
    let store = front.get("CreateCustomKeyStore", request("made", behind))["CustomKeyStoreId"]
        .as_str()
        .unwrap()
        .to_owned();
    front.connect_well(&store);
    assert_eq!(front.store(&store)["XksProxyConfiguration"]["VpcEndpointServiceName"], vpc);
    front.disconnect(&store);
    let update =
        json!({"CustomKeyStoreId": store, "XksProxyAuthenticationCredential": credential(&"x".repeat(43))});
    front.get("UpdateCustomKeyStore", update);
    assert_eq!(front.connect(&store).1.as_deref(), Some("XKS_PROXY_ACCESS_DENIED"));
}

#[test]
fn k78_neither_kms_nor_the_key_manager_decrypts_alone() {
    let running = running();
    let front = front("x-twice", running.address, "");
    let store = create(&front, "twice");
    front.connect_well(&store);
    let (one, other) = (create_key(&front, &store, "orders"), create_key(&front, &store, "more"));
    let blob =
        front.get("Encrypt", json!({"KeyId": one["KeyId"], "Plaintext": "aGVsbG8="}))["CiphertextBlob"]
            .clone();
    // The external key gives back what the key in the HSM has made, not the plaintext: the same external key under another KMS key's name
    // is no help, nor is that KMS key's own material.
    let moved = json!({"SourceKeyId": other["KeyId"], "CiphertextBlob": blob, "KeyId": other["KeyId"]});
    assert!(front.ask("Decrypt", moved).is_err());
    let before = running.log.text().len();
    assert_eq!(front.get("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"], "aGVsbG8=");
    assert!(running.log.text().len() > before, "the proxy was asked");
}

#[test]
fn k81_kms_and_the_proxy_know_each_other_by_certificates() {
    const KMS: &str = "cks.kms.us-east-1.amazonaws.com";
    let folder = tempfile::tempdir().unwrap();
    let (server_ca, client_ca) = (Identity::new("server CA", None), Identity::new("client CA", None));
    server_ca.write(folder.path(), "servers");
    client_ca.write(folder.path(), "clients");
    Identity::new("xks.example.com", Some(&server_ca)).write(folder.path(), "server");
    Identity::new(KMS, Some(&client_ca)).write(folder.path(), "kms");
    Identity::new("somebody", Some(&client_ca)).write(folder.path(), "somebody");
    let tls = format!(
        "[tls]\ncertificate = 'server.pem'\nkey = 'server.key'\nclient-ca = 'clients.pem'\nclient-names = ['{KMS}']\n[hsm]"
    );
    let running = running_in(folder, &SETTINGS.replace("[hsm]", &tls));
    let file = |name: &str| running.folder.path().join(name).display().to_string();
    let front = |region, uri: &str, ca: &str, own: &str| {
        let (certificate, key) = (file(&format!("{own}.pem")), file(&format!("{own}.key")));
        let head = format!(
            "xks-timeout-ms = 30000\n[[xks-endpoint]]\nuri = '{uri}'\naddress = '{}'\n",
            running.address
        );
        Front::new(
            region,
            &format!("{head}ca = '{}'\ncertificate = '{certificate}'\nkey = '{key}'\n", file(ca)),
        )
    };
    let right = front("x-tls", ENDPOINT, "servers.pem", "kms");
    let store = create(&right, "tls");
    right.connect_well(&store);
    let key = create_key(&right, &store, "orders");
    let request = json!({"KeyId": key["KeyId"], "Plaintext": "aGVsbG8="});
    let blob = right.get("Encrypt", request)["CiphertextBlob"].clone();
    assert_eq!(right.get("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"], "aGVsbG8=");
    right.disconnect(&store);
    let other_name = "https://other.example.com";
    for (uri, ca, own) in [
        (ENDPOINT, "clients.pem", "kms"),
        (ENDPOINT, "servers.pem", "somebody"),
        (other_name, "servers.pem", "kms"),
    ] {
        let front = front("x-tls", uri, ca, own);
        let wrong = request_at(uri);
        assert_eq!(
            front.refused("CreateCustomKeyStore", wrong),
            Code::XksProxyUriUnreachableException,
            "{uri} {ca} {own}"
        );
    }
    let wrong = front("x-tls", ENDPOINT, "clients.pem", "kms");
    assert_eq!(wrong.connect(&store).1.as_deref(), Some("XKS_PROXY_INVALID_TLS_CONFIGURATION"));
}

fn request_at(uri: &str) -> Value {
    request("another", json!({"XksProxyUriEndpoint": uri}))
}
