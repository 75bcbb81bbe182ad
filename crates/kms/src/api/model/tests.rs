//! What validation promises: requests are judged in the service's words.

use serde_json::{Map, Value, json};

use super::*;
use crate::api::error::Fault;

fn operation(name: &str) -> &'static Operation {
    model().operation(name).unwrap()
}

fn judged(name: &str, request: &Value) -> Result<()> {
    validate(operation(name).input().unwrap(), request)
}

fn refusal(name: &str, request: &Value) -> Fault {
    judged(name, request).expect_err(&format!("{name} {request}"))
}

/// The text of a `ValidationException`, without its head.
fn broken(name: &str, request: &Value) -> String {
    let fault = refusal(name, request);
    assert_eq!(fault.code, Code::ValidationException, "{fault}");
    let (head, tail) = fault.message.split_once(" detected: ").unwrap();
    let count = tail.split("; Value").count();
    assert_eq!(
        head,
        if count == 1 { "1 validation error".into() } else { format!("{count} validation errors") }
    );
    tail.to_owned()
}

#[test]
fn the_model_has_the_56_operations_of_the_api() {
    assert_eq!(model().operations().len(), 56);
    for each in model().operations() {
        assert!(std::ptr::eq(operation(&each.name), each));
        assert!(each.input().is_some());
        assert!(each.errors.contains(&Code::KMSInternalException), "{}", each.name);
    }
    assert!(model().operation("encrypt").is_none());
    assert!(model().operation("").is_none());
    assert!(operation("EnableKey").output().is_none());
}

#[test]
fn good_requests_pass() {
    for (name, request) in [
        ("Encrypt", json!({"KeyId": "alias/a", "Plaintext": "AAAA"})),
        (
            "Encrypt",
            json!({"KeyId": "a", "Plaintext": "AA==", "EncryptionContext": {"a": "ä"}, "GrantTokens": ["t"]}),
        ),
        ("CreateKey", json!({})),
        (
            "CreateKey",
            json!({"Tags": [{"TagKey": "k", "TagValue": ""}], "MultiRegion": false, "KeySpec": "RSA_2048"}),
        ),
        ("GenerateRandom", json!({"NumberOfBytes": 1024})),
        ("ListKeys", json!({"Limit": null, "Marker": null, "NeverHeardOf": {"a": [1]}})),
        ("CancelKeyDeletion", json!({"KeyId": "k".repeat(2048)})),
        ("UpdateKeyDescription", json!({"KeyId": "k", "Description": "ä".repeat(8192)})),
        (
            "GetParametersForImport",
            json!({"KeyId": "k", "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        ),
        (
            "ImportKeyMaterial",
            json!({"KeyId": "k", "ImportToken": "AA==", "EncryptedKeyMaterial": "AA==", "ValidTo": 1.5e9}),
        ),
        (
            "ImportKeyMaterial",
            json!({"KeyId": "k", "ImportToken": "AA==", "EncryptedKeyMaterial": "AA==", "ValidTo": 1767225600.25}),
        ),
    ] {
        assert_eq!(judged(name, &request), Ok(()), "{name} {request}");
    }
}

#[test]
fn k98_values_of_a_wrong_type_are_serialization_exceptions() {
    for (name, request, message) in [
        (
            "Encrypt",
            json!({"KeyId": 1, "Plaintext": "AA=="}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        ("Encrypt", json!({"KeyId": true}), "TRUE_VALUE can not be converted to a String"),
        ("Encrypt", json!({"KeyId": false}), "FALSE_VALUE can not be converted to a String"),
        ("Encrypt", json!({"KeyId": ["a"]}), "Start of list found where not expected"),
        ("Encrypt", json!({"KeyId": {}}), "Start of structure or map found where not expected."),
        ("Encrypt", json!({"Plaintext": 7}), "NUMBER_VALUE can not be converted to a Blob"),
        ("Encrypt", json!({"Plaintext": "not base64"}), "STRING_VALUE can not be converted to a Blob"),
        ("Encrypt", json!({"EncryptionContext": "a=b"}), "Expected map or null"),
        ("Encrypt", json!({"EncryptionContext": []}), "Start of list found where not expected"),
        ("Encrypt", json!({"EncryptionContext": {"a": 1}}), "NUMBER_VALUE can not be converted to a String"),
        ("Encrypt", json!({"GrantTokens": "t"}), "Expected list or null"),
        ("Encrypt", json!({"GrantTokens": {}}), "Start of structure or map found where not expected."),
        ("Encrypt", json!({"GrantTokens": ["t", 1]}), "NUMBER_VALUE can not be converted to a String"),
        ("Encrypt", json!({"DryRun": "true"}), "STRING_VALUE can not be converted to a Boolean"),
        ("ListKeys", json!({"Limit": "1"}), "STRING_VALUE can not be converted to an Integer"),
        ("ListKeys", json!({"Limit": 1.5}), "NUMBER_VALUE can not be converted to an Integer"),
        ("ListKeys", json!({"Limit": 1.0}), "NUMBER_VALUE can not be converted to an Integer"),
        ("CreateKey", json!({"Tags": ["t"]}), "Expected null"),
        ("CreateKey", json!({"Tags": [{"TagKey": 1}]}), "NUMBER_VALUE can not be converted to a String"),
        (
            "ImportKeyMaterial",
            json!({"ValidTo": "2030-01-01"}),
            "STRING_VALUE can not be converted to milliseconds since epoch",
        ),
        ("ListKeys", json!([]), "Start of list found where not expected"),
        ("ListKeys", json!(null), ""),
        ("ListKeys", json!("x"), ""),
    ] {
        assert_eq!(
            refusal(name, &request),
            Code::SerializationException.because(message),
            "{name} {request}"
        );
    }
}

/// Each request, and what is said of it.
fn are_broken(requests: &[(&str, Value, &str)]) {
    for (name, request, expected) in requests {
        assert_eq!(broken(name, request), *expected, "{name} {request}");
    }
}

#[test]
fn k105_what_is_missing_or_too_long_is_told_in_the_words_of_the_service() {
    let long = "x".repeat(2049);
    let too_long = format!(
        "Value '{long}' at 'keyId' failed to satisfy constraint: Member must have length less than or equal to 2048"
    );
    are_broken(&[
        (
            "DescribeKey",
            json!({}),
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DescribeKey",
            json!({"KeyId": null}),
            "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        ),
        ("DescribeKey", json!({"KeyId": long}), &too_long),
        (
            "GetPublicKey",
            json!({"KeyId": ""}),
            "Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value '' at 'keyId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^\\p{ASCII}+$",
        ),
        (
            "CreateAlias",
            json!({"AliasName": "alias/a b", "TargetKeyId": "k"}),
            "Value 'alias/a b' at 'aliasName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
    ]);
}

#[test]
fn k105_numbers_and_names_out_of_range_are_told_in_the_words_of_the_service() {
    are_broken(&[
        (
            "GenerateRandom",
            json!({"NumberOfBytes": 0}),
            "Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "GenerateRandom",
            json!({"NumberOfBytes": u64::MAX}),
            "Value '18446744073709551615' at 'numberOfBytes' failed to satisfy constraint: \
             Member must have value less than or equal to 1024",
        ),
        (
            "GenerateDataKey",
            json!({"KeyId": "k", "KeySpec": "DES"}),
            "Value 'DES' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]",
        ),
        (
            "GenerateMac",
            json!({"KeyId": "k", "Message": "AA==", "MacAlgorithm": "INVALID"}),
            "Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: \
             [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
        ),
    ]);
}

#[test]
fn k105_what_is_wrong_in_a_list_or_map_is_told_in_the_words_of_the_service() {
    are_broken(&[
        (
            "TagResource",
            json!({"KeyId": "k", "Tags": [{"TagKey": "k", "TagValue": "v"}, {"TagKey": ""}]}),
            "Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; \
             Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null",
        ),
        (
            "Encrypt",
            json!({"KeyId": "k", "Plaintext": "AA==", "GrantTokens": ["ok", ""]}),
            "Value '[ok, ]' at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: \
             [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]",
        ),
        (
            "Encrypt",
            json!({"KeyId": "k", "Plaintext": "AA==", "GrantTokens": vec!["t"; 11]}),
            "Value '[t, t, t, t, t, t, t, t, t, t, t]' at 'grantTokens' failed to satisfy constraint: \
             Member must have length less than or equal to 10",
        ),
        (
            "Encrypt",
            json!({"KeyId": "k", "Plaintext": "AA==", "EncryptionContext": {"a": null, "b": "c"}}),
            "Value '{a=null, b=c}' at 'encryptionContext' failed to satisfy constraint: \
             Map value must satisfy constraint: [Member must not be null]",
        ),
        (
            "CreateKey",
            json!({"Tags": [null]}),
            "Value at 'tags' failed to satisfy constraint: Member must satisfy constraint: [Member must not be null]",
        ),
        (
            "CreateGrant",
            json!({"KeyId": "k", "GranteePrincipal": "p", "Operations": ["Decrypt"],
                   "Constraints": {"EncryptionContextEquals": {"a": null}}}),
            "Value '{a=null}' at 'constraints.encryptionContextEquals' failed to satisfy constraint: \
             Map value must satisfy constraint: [Member must not be null]",
        ),
    ]);
}

#[test]
fn k3_plaintext_has_1_to_4096_bytes_and_ciphertext_6144() {
    use base64::Engine as _;
    let blob = |length: usize| base64::engine::general_purpose::STANDARD.encode(vec![0; length]);
    let encrypt = |length| json!({"KeyId": "k", "Plaintext": blob(length)});
    let decrypt = |length| json!({"CiphertextBlob": blob(length)});
    judged("Encrypt", &encrypt(4096)).unwrap();
    judged("Decrypt", &decrypt(6144)).unwrap();
    for (text, limit) in [
        (
            broken("Encrypt", &encrypt(4097)),
            "plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
        ),
        (
            broken("Encrypt", &encrypt(0)),
            "plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            broken("Decrypt", &decrypt(6145)),
            "ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144",
        ),
    ] {
        assert_eq!(text, format!("Value at '{limit}"));
    }
}

/// The API has no such shapes today; a newer model may.
#[test]
fn maps_and_lists_of_any_shape_are_judged() {
    let facts = json!({
        "operations": {"Do": {"input": "In", "errors": []}},
        "shapes": {
            "In": {"type": "structure", "members": {"Sizes": "Sizes", "Groups": "Groups", "Keys": "Keys"}},
            "Name": {"type": "string", "max": 2},
            "Size": {"type": "long", "min": 5},
            "Sizes": {"type": "map", "key": "Name", "value": "Size", "max": 3},
            "Groups": {"type": "map", "key": "Name", "value": "Keys"},
            "Keys": {"type": "list", "member": "Group"},
            "Group": {"type": "structure", "required": ["Key"], "members": {"Key": "Secret"}},
            "Secret": {"type": "string", "sensitive": true},
        },
    });
    let model = load::read(&facts.to_string()).unwrap();
    let broken = |request: Value| {
        let fault = validate(model.operation("Do").unwrap().input().unwrap(), &request).unwrap_err();
        fault.message.split_once("detected: ").unwrap().1.replace(" failed to satisfy constraint", "")
    };
    assert_eq!(
        broken(json!({"Sizes": {"abc": 5}})),
        "Value '{abc=5}' at 'sizes': Map keys must satisfy constraint: [Member must have length less than or equal to 2]"
    );
    assert_eq!(
        broken(json!({"Sizes": {"a": 1}})),
        "Value '{a=1}' at 'sizes': Map value must satisfy constraint: \
         [Member must have value less than or equal to 9223372036854775807, Member must have value greater than or equal to 5]"
    );
    assert_eq!(
        broken(json!({"Sizes": {"a": 5, "b": 5, "c": 5, "d": 5}})),
        "Value '{a=5, b=5, c=5, d=5}' at 'sizes': Member must have length less than or equal to 3"
    );
    assert_eq!(
        broken(json!({"Groups": {"ab": [{"Key": "k"}, {}]}})),
        "Value at 'groups.ab.member.2.member.key': Member must not be null"
    );
    assert_eq!(
        broken(json!({"Keys": [null]})),
        "Value at 'keys': Member must satisfy constraint: [Member must not be null]"
    );
}

#[test]
fn sensitive_values_are_never_told() {
    for (name, request, place) in [
        ("Encrypt", json!({"KeyId": "k"}), "plaintext"),
        (
            "UpdateCustomKeyStore",
            json!({"CustomKeyStoreId": "c", "KeyStorePassword": "hushhushhushhushhushhushhushhushhush"}),
            "keyStorePassword",
        ),
        (
            "UpdateCustomKeyStore",
            json!({"CustomKeyStoreId": "c", "KeyStorePassword": "hush"}),
            "keyStorePassword",
        ),
        (
            "UpdateCustomKeyStore",
            json!({"CustomKeyStoreId": "c", "XksProxyAuthenticationCredential":
                   {"AccessKeyId": "A".repeat(20), "RawSecretAccessKey": "hush-".repeat(9)}}),
            "xksProxyAuthenticationCredential.rawSecretAccessKey",
        ),
    ] {
        let text = broken(name, &request);
        assert!(text.starts_with(&format!("Value at '{place}' ")) && !text.contains("hush"), "{text}");
    }
    for request in [json!({"Plaintext": "hush hush"}), json!({"Plaintext": ["hush"]})] {
        assert!(!refusal("Encrypt", &request).message.contains("hush"));
    }
}

#[test]
fn a_wrong_type_is_told_before_what_else_is_wrong() {
    let fault = refusal("Encrypt", &json!({"DryRun": 1, "EncryptionAlgorithm": "X"}));
    assert_eq!(fault.code, Code::SerializationException);
    let fault = refusal("TagResource", &json!({"KeyId": "", "Tags": [{"TagKey": "", "TagValue": 1}]}));
    assert_eq!(fault.code, Code::SerializationException);
}

#[test]
fn no_more_than_ten_violations_are_told() {
    let tags = vec![json!({"TagKey": "", "TagValue": ""}); 11];
    let fault = refusal("TagResource", &json!({"KeyId": "k", "Tags": tags}));
    assert!(fault.message.starts_with("10 validation errors detected: "));
    assert!(fault.message.contains("tags.10.member.tagKey") && !fault.message.contains("tags.11."));
}

#[test]
fn patterns_match_whole_texts_as_java_matches_them() {
    let alias = |name: &str| ("CreateAlias", json!({"TargetKeyId": "k", "AliasName": name}));
    let region = |name: &str| ("ReplicateKey", json!({"KeyId": "k", "ReplicaRegion": name}));
    let policy = |name: &str| ("GetKeyPolicy", json!({"KeyId": "k", "PolicyName": name}));
    let marker = |text: &str| ("ListKeys", json!({"Marker": text}));
    let path =
        |text: &str| ("UpdateCustomKeyStore", json!({"CustomKeyStoreId": "c", "XksProxyUriPath": text}));
    let described = |text: &str| {
        (
            "ImportKeyMaterial",
            json!({"KeyId": "k", "ImportToken": "AA==", "EncryptedKeyMaterial": "AA==", "KeyMaterialDescription": text}),
        )
    };
    for (good, cases) in [
        (
            true,
            vec![
                alias("alias/a-B_0:/"),
                region("eu-central-1"),
                region("us-gov-west-1"),
                policy("default_1"),
            ],
        ),
        (
            false,
            vec![
                alias("alias/a\n"),
                alias("aliaß"),
                region("eu-central"),
                region("eu-central-٣"),
                policy("a-b"),
            ],
        ),
        (true, vec![marker("ÿ ~"), path("/kms/xks/v1"), path("/a/b/kms/xks/v12"), described("a b\tc.d")]),
        (
            false,
            vec![
                marker("Ā"),
                marker("a\n"),
                path("/kms/xks/v1/kms/xks/v1/"),
                policy("é"),
                described("a\u{a0}b"),
            ],
        ),
    ] {
        for (name, request) in cases {
            assert_eq!(judged(name, &request).is_ok(), good, "{name} {request}");
        }
    }
}

#[test]
fn answers_are_judged_like_requests_and_may_hold_nothing_unknown() {
    let encrypt = operation("Encrypt");
    check_answer(encrypt, &json!({"KeyId": "k", "CiphertextBlob": "AA=="})).unwrap();
    let odd = check_answer(encrypt, &json!({"KeyId": "k", "Ciphertext": "AA=="})).unwrap_err();
    assert!(odd.starts_with("Encrypt: ") && odd.contains("'ciphertext'"), "{odd}");
    assert!(check_answer(encrypt, &json!({"KeyId": 1})).unwrap_err().contains("NUMBER_VALUE"));
    let described = json!({"KeyMetadata": {"KeyId": "k", "CreationDate": 1.5, "Secret": 1}});
    assert!(check_answer(operation("DescribeKey"), &described).unwrap_err().contains("'keyMetadata.secret'"));
    check_answer(operation("EnableKey"), &json!({})).unwrap();
    assert!(check_answer(operation("EnableKey"), &json!({"KeyId": "k"})).is_err());
}

/// The names of all members within a shape.
fn names_in(shape: &Shape, names: &mut Vec<String>) {
    match &shape.kind {
        shape::Kind::Structure(members) => {
            names.extend(members.iter().map(|member| member.name.to_string()));
            members.iter().for_each(|member| names_in(&member.shape, names));
        }
        shape::Kind::List(item) => names_in(item, names),
        shape::Kind::Map { .. } | shape::Kind::Scalar(_) => {}
    }
}

/// Random JSON with members of those names, so that it gets deep into the shapes.
fn random_json(random: &mut fastrand::Rng, names: &[String], depth: usize) -> Value {
    let texts = ["", "AA==", "k", "alias/a", "ENCRYPT_DECRYPT", "\u{0}", "\u{10ffff}", "====", "A=AA"];
    match random.u8(0..if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => random.i64(..).into(),
        3 => (random.f64() * 1e300 - 5e299).into(),
        4 => texts[random.usize(..texts.len())].repeat(random.usize(0..20)).into(),
        5 => (0..random.usize(0..4)).map(|_| random_json(random, names, depth - 1)).collect(),
        _ => {
            let entry = |random: &mut fastrand::Rng| {
                (names[random.usize(..names.len())].clone(), random_json(random, names, depth - 1))
            };
            (0..random.usize(0..12)).map(|_| entry(random)).collect::<Map<_, _>>().into()
        }
    }
}

#[test]
fn nothing_that_json_can_say_stops_the_judge() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for each in model().operations() {
        let mut names = vec!["Odd".to_owned()];
        [each.input(), each.output()].into_iter().flatten().for_each(|shape| names_in(shape, &mut names));
        for _ in 0..200 {
            let value = random_json(&mut random, &names, 6);
            if let Err(fault) = validate(each.input().unwrap(), &value) {
                assert!(matches!(fault.code, Code::SerializationException | Code::ValidationException));
            }
            let _ = check_answer(each, &value);
        }
    }
}

#[test]
fn input_deeper_than_any_shape_is_not_followed() {
    let mut deep = json!("x");
    for _ in 0..1000 {
        deep = json!({"Constraints": deep, "Odd": null});
    }
    assert!(judged("CreateGrant", &deep).is_err());
    let mut list = json!([]);
    for _ in 0..1000 {
        list = json!([list]);
    }
    assert!(judged("Encrypt", &json!({"Odd": list, "GrantTokens": list})).is_err());
}
