//! What the HSM keeps, and what it doesn't.

use cloister_kms::api::error::Code;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use serde_json::json;

use crate::support::{Front, blob};

/// One use of each kind.
const KINDS: &[(&str, &str)] = &[
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ("ML_DSA_44", "SIGN_VERIFY"),
    ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
];

#[test]
fn k16_a_key_is_one_object_of_the_hsm_that_never_leaves_it() {
    let front = Front::new("kinds");
    for (spec, usage) in KINDS {
        let arn = front.key(spec, usage);
        let found = front.find(&[Attribute::Label(arn.into_bytes())]);
        assert_eq!(found.len(), 1, "{spec}");
        let wanted =
            [AttributeType::Sensitive, AttributeType::AlwaysSensitive, AttributeType::NeverExtractable];
        let shown = front.service.token.with(|session| session.get_attributes(found[0], &wanted)).unwrap();
        let expected =
            [Attribute::Sensitive(true), Attribute::AlwaysSensitive(true), Attribute::NeverExtractable(true)];
        assert_eq!(shown, expected, "{spec}");
    }
    assert!(front.find(&[Attribute::Class(ObjectClass::PUBLIC_KEY)]).is_empty());
}

#[test]
fn k27_what_is_given_out_leaves_nothing_in_the_hsm() {
    let front = Front::new("nothing");
    let symmetric = front.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let agreeing = front.key("ECC_NIST_P256", "KEY_AGREEMENT");
    let encapsulating = front.key("ML_KEM_768", "ENCAPSULATE_DECAPSULATE");
    let before = front.find(&[]).len();
    for spec in ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "ML_KEM_768"] {
        front.get("GenerateDataKeyPairWithoutPlaintext", json!({ "KeyId": symmetric, "KeyPairSpec": spec }));
    }
    front.get("GenerateDataKey", json!({ "KeyId": symmetric, "KeySpec": "AES_256" }));
    let peer = front.get("GetPublicKey", json!({ "KeyId": agreeing }))["PublicKey"].clone();
    let agree = json!({ "KeyId": agreeing, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer });
    front.get("DeriveSharedSecret", agree);
    let how = json!({ "KeyId": encapsulating, "EncapsulationAlgorithm": "ML_KEM" });
    let mut back = how.clone();
    back["SharedSecretCiphertextBlob"] = front.get("Encapsulate", how)["SharedSecretCiphertextBlob"].clone();
    front.get("Decapsulate", back);
    assert_eq!(front.find(&[]).len(), before);
}

#[test]
fn k70_a_key_that_was_removed_in_the_hsm_stays_enabled_and_does_nothing() {
    let front = Front::new("removed");
    let key = front.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let encrypt = json!({ "KeyId": key, "Plaintext": blob(b"hello") });
    let ciphertext = front.get("Encrypt", encrypt.clone())["CiphertextBlob"].clone();
    let object = front.find(&[Attribute::Label(key.clone().into_bytes())])[0];
    front.service.token.with(|session| session.destroy_object(object)).unwrap();
    assert_eq!(front.refused("Encrypt", encrypt), Code::KMSInvalidStateException);
    assert_eq!(
        front.refused("Decrypt", json!({ "CiphertextBlob": ciphertext })),
        Code::KMSInvalidStateException
    );
    assert_eq!(front.get("DescribeKey", json!({ "KeyId": key }))["KeyMetadata"]["KeyState"], "Enabled");
}

#[test]
fn k30_a_blob_of_a_key_that_is_not_there_tells_nothing_of_it() {
    let front = Front::new("unknown");
    let other = Front::new("other");
    let key = other.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let made = other.get("Encrypt", json!({ "KeyId": key, "Plaintext": blob(b"hello") }));
    let request = json!({ "CiphertextBlob": made["CiphertextBlob"] });
    assert_eq!(front.refused("Decrypt", request), Code::AccessDeniedException);
}
