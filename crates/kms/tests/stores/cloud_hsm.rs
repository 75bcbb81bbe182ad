//! Key stores on clusters.

use cloister_kms::api::error::Code;
use cloister_kms::auth::credentials::Secret;
use cloister_kms::stores::record::{Backing, Connection, StoreRecord};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use serde_json::{Value, json};

use crate::module::{OFFICER, PIN, loaded, secret};
use crate::support::{ACCOUNT, Front, certificate};

/// A cluster of that name: its id, and its section of the settings.
fn cluster(name: &str, more: &str) -> (String, String) {
    let id = format!("cluster-{name:2<12}");
    let section = format!("[[cluster]]\nid = '{id}'\ntoken = '{name}'\n{more}\n");
    (id, section)
}

fn kmsuser() -> String {
    format!("kmsuser:{PIN}")
}

fn request(name: &str, cluster: &str, anchor: &str) -> Value {
    json!({"CustomKeyStoreName": name, "CloudHsmClusterId": cluster, "KeyStorePassword": PIN, "TrustAnchorCertificate": anchor})
}

/// A front with a cluster that has a kmsuser, and a store on it.
fn front(region: &'static str, name: &str) -> (Front, String) {
    loaded().make_token_for(name, Some(&kmsuser()));
    let (id, section) = cluster(name, "");
    let front = Front::new(region, &section);
    let store = create(&front, name, &id);
    (front, store)
}

fn create(front: &Front, name: &str, cluster: &str) -> String {
    let anchor = std::fs::read_to_string(certificate(name)).unwrap();
    front.get("CreateCustomKeyStore", request(name, cluster, &anchor))["CustomKeyStoreId"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn create_key(front: &Front, store: &str) -> Value {
    front.get("CreateKey", json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store}))["KeyMetadata"]
        .clone()
}

fn encrypt(front: &Front, key: &Value) -> Value {
    front.get("Encrypt", json!({"KeyId": key["KeyId"], "Plaintext": "aGVsbG8="}))["CiphertextBlob"].clone()
}

fn decrypt(front: &Front, blob: &Value) -> Value {
    front.get("Decrypt", json!({"CiphertextBlob": blob}))["Plaintext"].clone()
}

#[test]
fn k61_k69_a_store_lives_from_create_to_delete() {
    let (front, store) = front("r-life", "life");
    assert_eq!(front.store(&store)["ConnectionState"], "DISCONNECTED");
    assert!(front.store(&store)["TrustAnchorCertificate"].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    assert!(!front.store(&store).to_string().contains(PIN));
    let create_key_request = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store});
    assert_eq!(front.refused("CreateKey", create_key_request), Code::CustomKeyStoreInvalidStateException);
    assert_eq!(
        front.refused("DisconnectCustomKeyStore", json!({"CustomKeyStoreId": store})),
        Code::CustomKeyStoreInvalidStateException
    );
    front.connect_well(&store);
    let key = create_key(&front, &store);
    let blob = encrypt(&front, &key);
    assert_eq!(
        front.refused("DeleteCustomKeyStore", json!({"CustomKeyStoreId": store})),
        Code::CustomKeyStoreInvalidStateException
    );
    front.disconnect(&store);
    assert_eq!(
        front.get("DescribeKey", json!({"KeyId": key["KeyId"]}))["KeyMetadata"]["KeyState"],
        "Unavailable"
    );
    assert_eq!(front.refused("Decrypt", json!({"CiphertextBlob": blob})), Code::KMSInvalidStateException);
    assert_eq!(
        front.refused("DeleteCustomKeyStore", json!({"CustomKeyStoreId": store})),
        Code::CustomKeyStoreHasCMKsException
    );
    front.connect_well(&store);
    assert_eq!(decrypt(&front, &blob), "aGVsbG8=");
}

#[test]
fn k61_an_empty_store_is_deleted_and_its_cluster_is_free_again() {
    let (front, store) = front("r-delete", "delete");
    front.get("DeleteCustomKeyStore", json!({"CustomKeyStoreId": store}));
    assert_eq!(
        front.refused("DescribeCustomKeyStores", json!({"CustomKeyStoreId": store})),
        Code::CustomKeyStoreNotFoundException
    );
    assert_ne!(create(&front, "delete", &cluster("delete", "").0), store);
}

#[test]
fn k62_k63_a_cluster_must_be_there_fit_and_free() {
    for (name, user) in [("fit", Some(kmsuser())), ("small", Some(kmsuser())), ("twin", Some(kmsuser()))] {
        loaded().make_token_for(name, user.as_deref());
    }
    let anchor = certificate("fit");
    let pem = std::fs::read_to_string(&anchor).unwrap();
    let other = std::fs::read_to_string(certificate("other")).unwrap();
    let anchored = format!("trust-anchor = '{}'", anchor.display());
    let (fit, one) = cluster("fit", &anchored);
    let (small, two) = cluster("small", "hsms = 1");
    let (away, three) = cluster("away", "");
    let (twin, four) = cluster("twin", &anchored);
    let front = Front::new("r-fit", &[one, two, three, four].concat());
    for (cluster, anchor, code) in [
        ("cluster-nowhere22222", &pem, Code::CloudHsmClusterNotFoundException),
        (&small, &pem, Code::CloudHsmClusterInvalidConfigurationException),
        (&away, &pem, Code::CloudHsmClusterNotActiveException),
        (&fit, &other, Code::IncorrectTrustAnchorException),
    ] {
        assert_eq!(front.refused("CreateCustomKeyStore", request("fit", cluster, anchor)), code, "{cluster}");
    }
    // The same certificate, laid out in another way.
    let spaced = format!("The CA of the cluster\n{pem}\n");
    let store = front.get("CreateCustomKeyStore", request("fit", &fit, &spaced))["CustomKeyStoreId"].clone();
    let again = front.get("CreateCustomKeyStore", request("fit", &fit, &spaced))["CustomKeyStoreId"].clone();
    assert_eq!(store, again);
    assert_eq!(
        front.refused("CreateCustomKeyStore", request("again", &fit, &pem)),
        Code::CloudHsmClusterInUseException
    );
    assert_eq!(
        front.refused("CreateCustomKeyStore", request("twin", &twin, &pem)),
        Code::CloudHsmClusterInUseException
    );
    let update = |cluster: &str| json!({"CustomKeyStoreId": store, "CloudHsmClusterId": cluster});
    assert_eq!(
        front.refused("UpdateCustomKeyStore", update(&small)),
        Code::CloudHsmClusterInvalidConfigurationException
    );
    front.get("UpdateCustomKeyStore", update(&twin));
    assert_eq!(front.store(store.as_str().unwrap())["CloudHsmClusterId"], twin);
}

#[test]
fn k64_k65_k73_a_key_is_kmsusers_own_and_never_leaves_the_cluster() {
    let (front, store) = front("r-own", "own");
    front.connect_well(&store);
    let key = create_key(&front, &store);
    let arn = key["Arn"].as_str().unwrap();
    assert_eq!(
        (&key["Origin"], &key["CustomKeyStoreId"], &key["CloudHsmClusterId"]),
        (&json!("AWS_CLOUDHSM"), &json!(store), &json!(cluster("own", "").0))
    );
    let record = front.service.stores.find(ACCOUNT, "r-own", &store).unwrap().unwrap().value;
    let token = front.service.stores.token(&record).unwrap();
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(arn.into())];
    let found = token.with(|session| session.find_objects(&wanted)).unwrap();
    let asked =
        [AttributeType::Extractable, AttributeType::Sensitive, AttributeType::Local, AttributeType::ValueLen];
    let told = token.with(|session| session.get_attributes(found[0], &asked)).unwrap();
    for attribute in
        [Attribute::Extractable(false), Attribute::Sensitive(true), Attribute::ValueLen(32.into())]
    {
        assert!(told.contains(&attribute), "{told:?}");
    }
    for more in [
        json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
        json!({"MultiRegion": true}),
        json!({"Origin": "AWS_KMS"}),
    ] {
        let mut request = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(front.refused("CreateKey", request), Code::UnsupportedOperationException, "{more}");
    }
    // K70: somebody removes the key in the cluster.
    let blob = encrypt(&front, &key);
    token.with(|session| session.destroy_object(found[0])).unwrap();
    assert_eq!(front.refused("Decrypt", json!({"CiphertextBlob": blob})), Code::KMSInvalidStateException);
    assert_eq!(front.get("DescribeKey", json!({"KeyId": arn}))["KeyMetadata"]["KeyState"], "Enabled");
}

#[test]
fn k71_connecting_changes_kmsusers_password_and_a_wrong_one_is_told() {
    let slot = loaded().make_token_for("secret", Some(&kmsuser()));
    let (id, section) = cluster("secret", "");
    let front = Front::new("r-secret", &section);
    let store = create(&front, "secret", &id);
    let update = |password: &str| {
        front.get("UpdateCustomKeyStore", json!({"CustomKeyStoreId": store, "KeyStorePassword": password}))
    };
    front.connect_well(&store);
    let key = create_key(&front, &store);
    let blob = encrypt(&front, &key);
    front.disconnect(&store);
    // The password that it was made with isn't kmsuser's any more.
    let session = loaded().module.open_rw_session(slot).unwrap();
    assert!(session.login(UserType::User, Some(&secret(&kmsuser()))).is_err());
    session.close().unwrap();
    update("not-right");
    assert_eq!(front.connect(&store), ("FAILED".to_owned(), Some("INVALID_CREDENTIALS".to_owned())));
    let again = json!({"CustomKeyStoreId": store});
    assert_eq!(front.refused("ConnectCustomKeyStore", again), Code::CustomKeyStoreInvalidStateException);
    front.disconnect(&store);
    // An officer gives kmsuser another one, and KMS is told.
    loaded().set_user(slot, &kmsuser());
    update(PIN);
    front.connect_well(&store);
    assert_eq!(decrypt(&front, &blob), "aGVsbG8=");
    front.disconnect(&store);
    update("wrong-again");
    let mut last = None;
    for _ in 0..6 {
        last = front.connect(&store).1;
        front.disconnect(&store);
    }
    assert_eq!(last.as_deref(), Some("USER_LOCKED_OUT"));
}

#[test]
fn k71_a_cluster_without_users_an_officers_login_and_no_cluster_are_told() {
    loaded().make_token_for("empty", None);
    let slot = loaded().make_token_for("busy", Some(&kmsuser()));
    let (empty, one) = cluster("empty", "");
    let (busy, two) = cluster("busy", "");
    let front = Front::new("r-told", &[one, two].concat());
    let store = create(&front, "empty", &empty);
    assert_eq!(front.connect(&store).1.as_deref(), Some("USER_NOT_FOUND"));
    let store = create(&front, "busy", &busy);
    let session = loaded().module.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&secret(OFFICER))).unwrap();
    assert_eq!(front.connect(&store).1.as_deref(), Some("USER_LOGGED_IN"));
    session.logout().unwrap();
    front.disconnect(&store);
    front.connect_well(&store);
    // A front whose settings don't have the cluster.
    let (_, other) = cluster("other", "");
    let elsewhere = Front::new("r-told", &other);
    front.disconnect(&store);
    assert_eq!(elsewhere.connect(&store).1.as_deref(), Some("CLUSTER_NOT_FOUND"));
}

#[test]
fn k62_nodes_that_do_not_answer_are_no_active_hsms() {
    loaded().make_token_for("nodes", Some(&kmsuser()));
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (id, section) = cluster("nodes", &format!("health = ['http://127.0.0.1:{port}/healthz']"));
    let (_, well) = cluster("nodes", "");
    let store = create(&Front::new("r-nodes", &well), "nodes", &id);
    let front = Front::new("r-nodes", &section);
    let anchor = std::fs::read_to_string(certificate("nodes")).unwrap();
    assert_eq!(
        front.refused("CreateCustomKeyStore", request("more", &id, &anchor)),
        Code::CloudHsmClusterNotActiveException
    );
    assert_eq!(front.connect(&store).1.as_deref(), Some("INSUFFICIENT_CLOUDHSM_HSMS"));
}

#[test]
fn k101_a_store_that_one_front_disconnects_is_disconnected_at_the_other() {
    let (one, store) = front("r-fronts", "fronts");
    let (_, section) = cluster("fronts", "");
    let other = Front::new("r-fronts", &section);
    one.connect_well(&store);
    assert_eq!(other.store(&store)["ConnectionState"], "CONNECTED");
    let key = create_key(&one, &store);
    other.disconnect(&store);
    assert_eq!(
        one.refused("Encrypt", json!({"KeyId": key["KeyId"], "Plaintext": "aGVsbG8="})),
        Code::KMSInvalidStateException
    );
}

/// Puts a store into another state than the API can.
fn force(front: &Front, region: &str, store: &str, change: impl FnOnce(&mut StoreRecord)) {
    let label = front.service.stores.find(ACCOUNT, region, store).unwrap().unwrap().value.label();
    let changed = front.service.stores.change(&label, |record| {
        change(record);
        Ok(())
    });
    changed.unwrap();
}

#[test]
fn k71_a_front_that_dies_while_it_changes_the_password_leaves_one_that_is_right() {
    let (front, store) = front("r-crash", "crash");
    for written in [false, true] {
        front.connect_well(&store);
        front.disconnect(&store);
        // The front died after it had noted the new password, before or after the cluster took it.
        force(&front, "r-crash", &store, |record| {
            let Backing::CloudHsm(cluster) = &mut record.backing else { panic!("a cluster") };
            let never = Secret::new("never-taken".to_owned());
            cluster.pending = Some(match written {
                false => never,
                true => std::mem::replace(&mut cluster.password, never),
            });
        });
    }
    front.connect_well(&store);
    create_key(&front, &store);
}

#[test]
fn k71_a_password_that_another_attempt_may_yet_have_set_is_the_one_that_kmsuser_gets() {
    let (front, store) = front("r-overlap", "overlap");
    front.connect_well(&store);
    front.disconnect(&store);
    let anothers = Secret::new("set-by-another-attempt".to_owned());
    force(&front, "r-overlap", &store, |record| {
        let Backing::CloudHsm(cluster) = &mut record.backing else { panic!("a cluster") };
        cluster.pending = Some(anothers.clone());
    });
    front.connect_well(&store);
    let record = front.service.stores.find(ACCOUNT, "r-overlap", &store).unwrap().unwrap().value;
    let cluster = record.cluster().unwrap();
    assert_eq!((&cluster.password, &cluster.pending), (&anothers, &None));
    create_key(&front, &store);
}

#[test]
fn k71_attempts_that_overlap_leave_a_password_that_is_right() {
    let (one, store) = front("r-race", "race");
    let (_, section) = cluster("race", "");
    let other = Front::new("r-race", &section);
    let id = json!({"CustomKeyStoreId": store});
    for _ in 0..10 {
        // Whoever comes first, and however far it has come.
        one.get("ConnectCustomKeyStore", id.clone());
        one.get("DisconnectCustomKeyStore", id.clone());
        other.get("ConnectCustomKeyStore", id.clone());
        other.get("DisconnectCustomKeyStore", id.clone());
    }
    let mut outcome = one.connect(&store);
    // The login of an attempt that isn't over is in the way.
    while outcome.1.as_deref() == Some("USER_LOGGED_IN") {
        one.disconnect(&store);
        outcome = one.connect(&store);
    }
    assert_eq!(outcome, ("CONNECTED".to_owned(), None));
    create_key(&one, &store);
}

#[test]
fn k61_an_attempt_whose_front_died_is_taken_over_by_who_sees_it() {
    let (front, store) = front("r-over", "over");
    let left = |attempt: &str| {
        let connection = Connection::Connecting { attempt: attempt.to_owned() };
        force(&front, "r-over", &store, |record| record.connection = connection);
    };
    // How long ago the front died, nobody knows: who sees the attempt watches it for a minute from then on.
    left("dead");
    assert_eq!(front.store(&store)["ConnectionState"], "CONNECTING");
    front.service.clock.advance(59_000);
    left("dead, too");
    for _ in 0..2 {
        front.get("ConnectCustomKeyStore", json!({"CustomKeyStoreId": store}));
        assert_eq!(front.store(&store)["ConnectionState"], "CONNECTING", "it is another, and may be alive");
        front.service.clock.advance(29_000);
    }
    front.service.clock.advance(29_000);
    front.store(&store);
    front.connect_well(&store);
    create_key(&front, &store);
}

#[test]
fn k65_k75_what_keys_of_a_store_do_and_what_they_do_not() {
    let (front, store) = front("r-do", "do");
    let random = json!({"CustomKeyStoreId": store, "NumberOfBytes": 32});
    assert_eq!(front.refused("GenerateRandom", random.clone()), Code::CustomKeyStoreInvalidStateException);
    let nowhere = json!({"CustomKeyStoreId": "cks-0", "NumberOfBytes": 32});
    assert_eq!(front.refused("GenerateRandom", nowhere), Code::CustomKeyStoreNotFoundException);
    front.connect_well(&store);
    assert_eq!(front.get("GenerateRandom", random)["Plaintext"].as_str().unwrap().len(), 44);
    let key = create_key(&front, &store)["KeyId"].clone();
    let made = front.get("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"}));
    let again = front.get("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
    assert_eq!(made["Plaintext"], again["Plaintext"]);
    for (operation, more) in [
        ("EnableKeyRotation", json!({})),
        ("RotateKeyOnDemand", json!({})),
        ("GenerateDataKeyPair", json!({"KeyPairSpec": "ECC_NIST_P256"})),
        (
            "GetParametersForImport",
            json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        ),
        ("ReplicateKey", json!({"ReplicaRegion": "eu-west-1"})),
    ] {
        let mut request = json!({"KeyId": key});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(front.refused(operation, request), Code::UnsupportedOperationException, "{operation}");
    }
}
