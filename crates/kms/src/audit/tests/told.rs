//! What a line of the trail tells.

use super::*;

#[test]
fn k93_an_event_has_the_shape_of_cloudtrail() {
    let directory = tempfile::tempdir().unwrap();
    encrypt(&open(directory.path()), "request-1").unwrap();
    let mut event: Value = serde_json::from_str(&lines(directory.path())[0]).unwrap();
    let id = event.as_object_mut().unwrap().remove("eventID").unwrap();
    assert_eq!(uuid::Uuid::parse_str(id.as_str().unwrap()).unwrap().get_version_num(), 4);
    let expected = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "alice", "arn": "arn:aws:iam::111122223333:user/team/alice",
            "accountId": "111122223333", "accessKeyId": "AKIDEXAMPLE", "userName": "alice",
        },
        "eventTime": "2024-02-29T23:59:58Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": "Encrypt",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "Boto3/1.35",
        "requestParameters": {"keyId": "alias/a", "encryptionContext": {"Tenant": "blue"}},
        "responseElements": null,
        "requestID": "request-1",
        "readOnly": true,
        "resources": [{"accountId": "444455556666", "type": "AWS::KMS::Key", "ARN": KEY}],
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_256_GCM_SHA384",
            "clientProvidedHostHeader": "kms.example.com",
        },
        "chain": {"sequence": 1, "previous": "0".repeat(64)},
    });
    assert_eq!(event, expected);
}

#[test]
fn k93_a_refused_request_is_told_with_its_error() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    let connection = Connection { source: None, tls: false, default_region: "us-east-1".into() };
    let request = json!({"KeyId": "k", "Description": "d", "Tags": "not recorded"});
    let fault = Code::AccessDeniedException.because("no");
    let mut event = Event {
        request_id: "r",
        time: SystemTime::now(),
        operation: "CreateKey",
        read_only: false,
        who: Who::Stranger(&connection),
        user_agent: None,
        tls: None,
        request: &request,
        outcome: Err(&fault),
        keys: &[],
    };
    trail.record(&event).unwrap();
    let answer = json!({"KeyMetadata": {"KeyId": "1", "Arn": KEY, "Enabled": true}});
    event.outcome = Ok(&answer);
    trail.record(&event).unwrap();
    let events: Vec<Value> =
        lines(directory.path()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["errorCode"], "AccessDeniedException");
    assert_eq!(events[0]["errorMessage"], "no");
    assert_eq!(events[0]["userIdentity"], json!({"type": "Unknown"}));
    assert_eq!(events[0]["requestParameters"], json!({"description": "d"}));
    assert_eq!((&events[0]["readOnly"], &events[0]["awsRegion"]), (&json!(false), &json!("us-east-1")));
    assert_eq!(events[1].get("errorCode"), None);
    assert_eq!(
        events[1]["responseElements"],
        json!({"keyMetadata": {"keyId": "1", "arn": KEY, "enabled": true}})
    );
}

#[test]
fn k93_each_kind_of_principal_has_its_type() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    let kinds = [
        ("arn:aws:iam::111122223333:root", "Root", "111122223333"),
        ("arn:aws:iam::111122223333:user/alice", "IAMUser", "alice"),
        ("arn:aws:iam::111122223333:role/path/ops", "Role", "ops"),
        ("arn:aws:sts::111122223333:assumed-role/ops/night", "AssumedRole", "ops:night"),
    ];
    for (arn, ..) in kinds {
        let caller = Caller { arn: arn.into(), access_key: String::new(), ..alice() };
        let nothing = Value::Null;
        let event = Event {
            request_id: "r",
            time: SystemTime::now(),
            operation: "ListKeys",
            read_only: true,
            who: Who::Caller(&caller),
            user_agent: None,
            tls: None,
            request: &nothing,
            outcome: Ok(&nothing),
            keys: &[],
        };
        trail.record(&event).unwrap();
    }
    for (line, (_, kind, principal)) in lines(directory.path()).iter().zip(kinds) {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["userIdentity"]["type"], kind);
        assert_eq!(event["userIdentity"]["principalId"], principal);
        assert_eq!(event["userIdentity"].get("accessKeyId"), None);
        assert_eq!(event["requestParameters"], Value::Null);
    }
}

#[test]
fn k58_acts_of_the_service_itself_are_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let details = json!({"keyId": KEY});
    let event = Event {
        request_id: "r",
        time: SystemTime::now(),
        operation: "DeleteExpiredKeyMaterial",
        read_only: false,
        who: Who::Service { account: "111122223333", region: "eu-west-1" },
        user_agent: None,
        tls: None,
        request: &details,
        outcome: Ok(&details),
        keys: &[KEY],
    };
    open(directory.path()).record(&event).unwrap();
    let event: Value = serde_json::from_str(&lines(directory.path())[0]).unwrap();
    assert_eq!(event["userIdentity"], json!({"accountId": "111122223333", "invokedBy": "AWS Internal"}));
    assert_eq!((&event["eventType"], &event["readOnly"]), (&json!("AwsServiceEvent"), &json!(false)));
    assert_eq!(event["serviceEventDetails"], details);
}

/// Alice's request, as the trail tells of it.
fn told(operation: &str, request: &Value, agent: &str, outcome: Result<&Value, &Fault>) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let caller = alice();
    let event = Event {
        request_id: "r",
        time: SystemTime::now(),
        operation,
        read_only: false,
        who: Who::Caller(&caller),
        user_agent: Some(agent),
        tls: None,
        request,
        outcome,
        keys: &[],
    };
    open(directory.path()).record(&event).unwrap();
    serde_json::from_str(&lines(directory.path())[0]).unwrap()
}

const OMITTED: &str = "omitted due to size";

#[test]
fn a_member_that_is_too_long_is_left_out_and_so_said_and_the_others_stay() {
    let request = json!({"Description": "x".repeat(1_000_000), "KeySpec": "RSA_2048"});
    let event = told("CreateKey", &request, &"\u{e9}".repeat(1000), Ok(&Value::Null));
    let shown = &event["requestParameters"];
    assert_eq!(shown["description"], json!({"omitted": true, "reason": OMITTED}));
    assert_eq!(shown["keySpec"], "RSA_2048");
    assert_eq!(event["userAgent"].as_str().unwrap().len(), 1024);
}

#[test]
fn k34_what_else_is_too_long_never_takes_the_encryption_context_with_it() {
    // As long as may be, and six times as long in JSON.
    let context = json!({"a": "\u{1}".repeat(8191)});
    let long = "x".repeat(300_000);
    let event = told("Encrypt", &json!({"KeyId": long, "EncryptionContext": context}), "", Ok(&Value::Null));
    assert_eq!(event["requestParameters"]["encryptionContext"], context);
    assert_eq!(event["requestParameters"]["keyId"]["reason"], OMITTED);
    let constraints = json!({"EncryptionContextSubset": context});
    let event = told("CreateGrant", &json!({"Name": long, "Constraints": constraints}), "", Ok(&Value::Null));
    assert_eq!(event["requestParameters"]["constraints"]["encryptionContextSubset"], context);
    assert_eq!(event["requestParameters"]["name"]["reason"], OMITTED);
}

#[test]
fn no_request_makes_a_line_that_is_longer_than_a_line_may_be() {
    let many = json!({"a": "x".repeat(8_192 - 1), "b": "x".repeat(300_000)});
    let refused = Code::ValidationException.because("\u{e9}".repeat(100_000));
    for request in [
        json!({"EncryptionContext": many}),
        json!({"Constraints": {"EncryptionContextSubset": many}}),
        json!({"Constraints": [many, {"EncryptionContextSubset": many}]}),
        json!({"Tags": vec![json!({"TagKey": "a", "TagValue": "b"}); 20_000]}),
    ] {
        for operation in ["Encrypt", "CreateGrant", "CreateKey"] {
            let event = told(operation, &request, "", Err(&refused));
            assert!(event.to_string().len() <= 256 * 1024, "{operation}");
            assert_eq!(event["errorMessage"].as_str().unwrap().len(), 1024);
        }
    }
}
