//! Who may act in several Regions: each Region's policies have a say.

use std::sync::Arc;

use cloister_kms::api::error::{Code, Fault};
use cloister_kms::auth::identity::Identities;
use cloister_kms::policy::Document;
use serde_json::{Value, json};

use crate::support::{ABROAD, ACCOUNT, Front, HOME, alone};

const CAROL: &str = "arn:aws:iam::111122223333:user/carol";

/// Carol's identity policy: everything, but for what `statement` says of CreateKey.
fn carols(statement: Value) -> Identities<Arc<Document>> {
    let everything = json!({ "Effect": "Allow", "NotAction": "kms:CreateKey", "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [everything, statement] });
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join(ACCOUNT).join("carol");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("policy.json"), policy.to_string()).unwrap();
    Identities::load(folder.path()).unwrap().parse().unwrap()
}

/// Carol may make keys under one condition.
fn may_create(condition: Value) -> Identities<Arc<Document>> {
    carols(
        json!({ "Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": { "StringEquals": condition } }),
    )
}

fn refused(answer: Result<Value, Fault>) {
    assert_eq!(answer.unwrap_err().code, Code::AccessDeniedException);
}

#[test]
fn k60_a_replica_is_made_by_who_may_make_such_a_key_in_its_region() {
    let _alone = alone();
    let mut front = Front::start();
    let key = front.create(json!({ "MultiRegion": true }));
    let request =
        json!({ "KeyId": key, "ReplicaRegion": ABROAD, "Tags": [{ "TagKey": "a", "TagValue": "b" }] });
    let facts = [
        ("aws:RequestedRegion", ABROAD),
        ("aws:RequestTag/a", "b"),
        ("kms:KeySpec", "SYMMETRIC_DEFAULT"),
        ("kms:KeyUsage", "ENCRYPT_DECRYPT"),
        ("kms:KeyOrigin", "AWS_KMS"),
        ("kms:MultiRegion", "true"),
        ("kms:MultiRegionKeyType", "REPLICA"),
        ("kms:BypassPolicyLockoutSafetyCheck", "false"),
    ];
    for (name, _) in facts {
        front.0.identities = may_create(json!({ name: "other" }));
        refused(front.ask_by(CAROL, HOME, "ReplicateKey", request.clone()));
    }
    front.0.identities = may_create(json!({ "aws:RequestedRegion": HOME }));
    refused(front.ask_by(CAROL, HOME, "ReplicateKey", request.clone()));
    front.0.identities = may_create(facts.into_iter().collect());
    front.ask_by(CAROL, HOME, "ReplicateKey", request).unwrap();
}

#[test]
fn k35_policies_learn_of_a_new_key_what_it_is_to_be_by_old_names_and_new() {
    let _alone = alone();
    let mut front = Front::start();
    let request = json!({ "MultiRegion": true });
    let facts = [
        ("kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"),
        ("kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT"),
        ("kms:MultiRegionKeyType", "PRIMARY"),
    ];
    for (name, value) in facts {
        front.0.identities = may_create(json!({ name: "other" }));
        refused(front.ask_by(CAROL, HOME, "CreateKey", request.clone()));
        front.0.identities = may_create(json!({ name: value }));
        front.ask_by(CAROL, HOME, "CreateKey", request.clone()).unwrap();
    }
}

#[test]
fn k60_a_replica_becomes_the_primary_only_if_its_own_policy_agrees() {
    let _alone = alone();
    let mut front = Front::start();
    let key = front.create(json!({ "MultiRegion": true }));
    front.ask("ReplicateKey", json!({ "KeyId": key, "ReplicaRegion": ABROAD }));
    front.0.identities = may_create(json!({}));
    front.0.clock.advance(1000);
    let statement = |effect: &str, who: &str, action: &str| json!({ "Effect": effect, "Principal": { "AWS": who }, "Action": action, "Resource": "*" });
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let all = statement("Allow", &root, "kms:*");
    let policy =
        json!({ "Statement": [all, statement("Deny", CAROL, "kms:UpdatePrimaryRegion")] }).to_string();
    front.ask_as(ACCOUNT, ABROAD, "PutKeyPolicy", json!({ "KeyId": key, "Policy": policy })).unwrap();
    let request = json!({ "KeyId": key, "PrimaryRegion": ABROAD });
    refused(front.ask_by(CAROL, HOME, "UpdatePrimaryRegion", request.clone()));
    assert!(front.record(HOME, &key).unwrap().is_primary());
    let policy = json!({ "Statement": [all] }).to_string();
    front.ask_as(ACCOUNT, ABROAD, "PutKeyPolicy", json!({ "KeyId": key, "Policy": policy })).unwrap();
    front.ask_by(CAROL, HOME, "UpdatePrimaryRegion", request).unwrap();
    assert!(front.record(ABROAD, &key).unwrap().is_primary());
}
