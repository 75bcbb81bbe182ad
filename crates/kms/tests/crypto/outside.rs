//! What the HSM makes, as OpenSSL sees it: signatures, ciphertexts, secrets and pairs.

use cloister_kms::api::error::Code;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey};
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};
use serde_json::json;

use crate::support::{Front, blob, bytes};

const MESSAGE: &[u8] = b"what is signed";

fn public(front: &Front, key: &str) -> PKey<Public> {
    PKey::public_key_from_der(&bytes(&front.get("GetPublicKey", json!({ "KeyId": key }))["PublicKey"]))
        .unwrap()
}

fn sign(front: &Front, key: &str, algorithm: &str) -> Vec<u8> {
    let request = json!({ "KeyId": key, "Message": blob(MESSAGE), "SigningAlgorithm": algorithm });
    bytes(&front.get("Sign", request)["Signature"])
}

fn digest(algorithm: &str) -> MessageDigest {
    match algorithm.get(algorithm.len() - 3..) {
        Some("256") => MessageDigest::sha256(),
        Some("384") => MessageDigest::sha384(),
        _ => MessageDigest::sha512(),
    }
}

#[test]
fn k7_rsa_signatures_verify_outside_and_the_pss_salt_is_as_long_as_the_digest() {
    let front = Front::new("rsa");
    let key = front.key("RSA_2048", "SIGN_VERIFY");
    let public = public(&front, &key);
    for padding in ["PKCS1_V1_5", "PSS"] {
        for bits in [256, 384, 512] {
            let algorithm = format!("RSASSA_{padding}_SHA_{bits}");
            let signature = sign(&front, &key, &algorithm);
            let mut verifier = Verifier::new(digest(&algorithm), &public).unwrap();
            if padding == "PSS" {
                verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(bits / 8)).unwrap();
            }
            assert!(verifier.verify_oneshot(&signature, MESSAGE).unwrap(), "{algorithm}");
        }
    }
}

#[test]
fn k8_ecdsa_signatures_verify_outside() {
    let front = Front::new("ecdsa");
    let curves = [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ];
    for (spec, algorithm) in curves {
        let key = front.key(spec, "SIGN_VERIFY");
        let public = public(&front, &key);
        let signature = sign(&front, &key, algorithm);
        let mut verifier = Verifier::new(digest(algorithm), &public).unwrap();
        assert!(verifier.verify_oneshot(&signature, MESSAGE).unwrap(), "{spec}");
    }
}

#[test]
fn k18_ed25519_and_ml_dsa_signatures_verify_outside() {
    let front = Front::new("pure");
    let specs = ["ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87"];
    for spec in specs {
        let algorithm = if spec.starts_with("ML") { "ML_DSA_SHAKE_256" } else { "ED25519_SHA_512" };
        let key = front.key(spec, "SIGN_VERIFY");
        let signature = sign(&front, &key, algorithm);
        let public = public(&front, &key);
        let mut verifier = Verifier::new_without_digest(&public).unwrap();
        assert!(verifier.verify_oneshot(&signature, MESSAGE).unwrap(), "{spec}");
    }
}

#[test]
fn k18_ed25519ph_hashes_the_digest_once_more_and_is_no_ed25519() {
    let front = Front::new("prehashed");
    let key = front.key("ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    let digest = openssl::hash::hash(MessageDigest::sha512(), MESSAGE).unwrap();
    let mut request = json!({
        "KeyId": key, "Message": blob(&digest), "MessageType": "DIGEST", "SigningAlgorithm": "ED25519_PH_SHA_512",
    });
    request["Signature"] = front.get("Sign", request.clone())["Signature"].clone();
    assert_eq!(front.get("Verify", request.clone())["SignatureValid"], true);
    let public = public(&front, &key);
    let signature = bytes(&request["Signature"]);
    let pure = |message: &[u8]| {
        Verifier::new_without_digest(&public).unwrap().verify_oneshot(&signature, message).unwrap_or(false)
    };
    assert!(!pure(&digest) && !pure(MESSAGE));
    let pure = json!({ "KeyId": key, "Message": blob(&digest), "SigningAlgorithm": "ED25519_SHA_512" });
    request["Signature"] = front.get("Sign", pure)["Signature"].clone();
    assert_eq!(front.refused("Verify", request), Code::KMSInvalidSignatureException);
}

#[test]
fn k5_what_others_encrypt_with_the_public_key_decrypts() {
    let front = Front::new("oaep");
    let key = front.key("RSA_2048", "ENCRYPT_DECRYPT");
    let public = public(&front, &key);
    for (name, hash) in [("SHA_1", MessageDigest::sha1()), ("SHA_256", MessageDigest::sha256())] {
        let mut encrypter = Encrypter::new(&public).unwrap();
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        encrypter.set_rsa_oaep_md(hash).unwrap();
        encrypter.set_rsa_mgf1_md(hash).unwrap();
        let mut ciphertext = vec![0; encrypter.encrypt_len(MESSAGE).unwrap()];
        let length = encrypter.encrypt(MESSAGE, &mut ciphertext).unwrap();
        ciphertext.truncate(length);
        let request = json!({
            "KeyId": key, "CiphertextBlob": blob(&ciphertext), "EncryptionAlgorithm": format!("RSAES_OAEP_{name}"),
        });
        assert_eq!(bytes(&front.get("Decrypt", request)["Plaintext"]), MESSAGE, "{name}");
    }
}

#[test]
fn k14_both_sides_agree_on_the_same_secret() {
    let front = Front::new("ecdh");
    let curves = [
        ("ECC_NIST_P256", Nid::X9_62_PRIME256V1),
        ("ECC_NIST_P384", Nid::SECP384R1),
        ("ECC_NIST_P521", Nid::SECP521R1),
    ];
    for (spec, curve) in curves {
        let key = front.key(spec, "KEY_AGREEMENT");
        let group = EcGroup::from_curve_name(curve).unwrap();
        let ours = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let request = json!({
            "KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": blob(&ours.public_key_to_der().unwrap()),
        });
        let theirs = public(&front, &key);
        let mut deriver = Deriver::new(&ours).unwrap();
        deriver.set_peer(&theirs).unwrap();
        let secret = bytes(&front.get("DeriveSharedSecret", request)["SharedSecret"]);
        assert_eq!(secret, deriver.derive_to_vec().unwrap(), "{spec}");
    }
}

#[test]
fn k26_a_data_key_pair_is_one_pair_that_others_read() {
    let front = Front::new("pairs");
    let wrapping = front.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
    let specs = ["RSA_2048", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "ML_KEM_512"];
    for spec in specs {
        let pair = front.get("GenerateDataKeyPair", json!({ "KeyId": wrapping, "KeyPairSpec": spec }));
        let plain = bytes(&pair["PrivateKeyPlaintext"]);
        let private = PKey::private_key_from_der(&plain).unwrap();
        let public = PKey::public_key_from_der(&bytes(&pair["PublicKey"])).unwrap();
        assert!(private.public_eq(&public), "{spec}");
        let opened = front.get("Decrypt", json!({ "CiphertextBlob": pair["PrivateKeyCiphertextBlob"] }));
        assert_eq!(bytes(&opened["Plaintext"]), plain, "{spec}");
        assert_eq!(opened["KeyMaterialId"], pair["KeyMaterialId"]);
    }
}
