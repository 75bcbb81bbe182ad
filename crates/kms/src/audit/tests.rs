//! The trail as a whole: what it holds, what it survives, and what it gives away.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;
use crate::api::error::{Code, Fault};
use crate::auth::access::Connection;
use crate::auth::caller::Caller;

const KEY: &str = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn settings(directory: &Path) -> Settings {
    Settings { directory: directory.to_owned(), segment_bytes: u64::MAX, unwritable: Unwritable::Refuse }
}

fn open(directory: &Path) -> Trail {
    Trail::open(settings(directory)).unwrap().0
}

fn alice() -> Caller {
    Caller {
        account: "111122223333".into(),
        arn: "arn:aws:iam::111122223333:user/team/alice".into(),
        access_key: "AKIDEXAMPLE".into(),
        via_service: None,
        region: "eu-west-1".into(),
        source: Some([192, 0, 2, 7].into()),
        tls: true,
    }
}

/// Records an Encrypt of Alice's.
fn encrypt(trail: &Trail, request_id: &str) -> Result<(), Fault> {
    let request =
        json!({"KeyId": "alias/a", "Plaintext": "c2VjcmV0", "EncryptionContext": {"Tenant": "blue"}});
    let answer = json!({"CiphertextBlob": "YmxvYg==", "KeyId": KEY});
    trail.record(&Event {
        request_id,
        time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_251_198),
        operation: "Encrypt",
        read_only: true,
        who: Who::Caller(&alice()),
        user_agent: Some("Boto3/1.35"),
        tls: Some(Tls {
            tls_version: "TLSv1.3",
            cipher_suite: "TLS_AES_256_GCM_SHA384",
            client_provided_host_header: Some("kms.example.com"),
        }),
        request: &request,
        outcome: Ok(&answer),
        keys: &[KEY],
    })
}

fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("audit-{number:06}.jsonl"))
}

fn lines(directory: &Path) -> Vec<String> {
    fs::read_to_string(segment(directory, 1)).unwrap().lines().map(str::to_owned).collect()
}

/// A trail of eight lines.
fn written() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    for number in 1..=8 {
        encrypt(&trail, &format!("request-{number}")).unwrap();
    }
    directory
}

/// What is wrong with a trail of eight lines after `tamper`, and in which line.
fn tampered(tamper: impl FnOnce(&mut Vec<String>)) -> (u64, Why) {
    let directory = written();
    let mut lines = lines(directory.path());
    tamper(&mut lines);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(segment(directory.path(), 1), text).unwrap();
    let broken = verify(directory.path(), None).unwrap_err();
    assert_eq!(broken.file, segment(directory.path(), 1));
    (broken.line, broken.why)
}

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

#[test]
fn a_whole_trail_tells_how_far_it_goes() {
    let directory = written();
    let report = verify(directory.path(), None).unwrap();
    let last = openssl::sha::sha256(lines(directory.path())[7].as_bytes());
    assert_eq!((report.segments, report.events, report.first), (1, 8, 1));
    assert_eq!(report.last, Position { sequence: 8, hash: last });
    assert_eq!(verify(&segment(directory.path(), 1), None).unwrap(), report);
    assert_eq!(open(directory.path()).position(), report.last);
}

#[test]
fn an_empty_trail_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    assert_eq!(verify(directory.path(), None).unwrap().events, 0);
    assert!(verify(&directory.path().join("absent"), None).is_err());
}

#[test]
fn a_changed_line_is_found() {
    assert_eq!(tampered(|lines| lines[3] = lines[3].replace("alias/a", "alias/b")), (4, Why::Changed));
    assert_eq!(tampered(|lines| lines[0] = lines[0].replace("alias/a", "alias/b")), (1, Why::Changed));
    assert_eq!(tampered(|lines| lines[3].push(' ')), (4, Why::Changed));
    assert_eq!(tampered(|lines| lines[3] = "gone".into()), (4, Why::Foreign));
    assert_eq!(tampered(|lines| lines[3] = "{}".into()), (4, Why::Foreign));
    let first = |lines: &mut Vec<String>| lines[0] = lines[0].replace(&"0".repeat(64), &"1".repeat(64));
    assert_eq!(tampered(first), (1, Why::Changed));
}

#[test]
fn removed_lines_are_found() {
    assert_eq!(tampered(|lines| drop(lines.remove(3))), (4, Why::Removed(1)));
    assert_eq!(tampered(|lines| drop(lines.drain(2..6))), (3, Why::Removed(4)));
}

#[test]
fn moved_lines_are_found() {
    assert_eq!(tampered(|lines| lines.swap(3, 4)), (4, Why::Moved));
    assert_eq!(tampered(|lines| lines.swap(1, 6)), (2, Why::Moved));
    let to_end = |lines: &mut Vec<String>| {
        let line = lines.remove(2);
        lines.push(line);
    };
    assert_eq!(tampered(to_end), (3, Why::Moved));
}

#[test]
fn inserted_lines_are_found() {
    assert_eq!(tampered(|lines| lines.insert(4, lines[3].clone())), (4, Why::Inserted), "a line twice");
    assert_eq!(tampered(|lines| lines.insert(4, lines[0].clone())), (5, Why::Moved), "an old line again");
    let forged = |lines: &mut Vec<String>| {
        let mut event = br#"{"eventName":"Decrypt""#.to_vec();
        let before = Position { sequence: 4, hash: openssl::sha::sha256(lines[3].as_bytes()) };
        before.chain(&mut event);
        lines.insert(4, String::from_utf8(event).unwrap());
    };
    assert_eq!(tampered(forged), (5, Why::Inserted), "a new line, chained to the one before");
}

#[test]
fn a_cut_in_the_middle_of_a_line_is_found() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let length = fs::metadata(&file).unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 100).unwrap();
    let broken = verify(directory.path(), None).unwrap_err();
    assert_eq!((broken.line, broken.why), (8, Why::Torn));
}

#[test]
fn a_trail_cut_off_at_a_line_is_found_by_a_hash_kept_elsewhere() {
    let directory = written();
    let anchor = verify(directory.path(), None).unwrap().last.hash;
    assert!(verify(directory.path(), Some(anchor)).is_ok());
    encrypt(&open(directory.path()), "request-9").unwrap();
    assert!(verify(directory.path(), Some(anchor)).is_ok(), "a trail that has grown since still holds it");

    let text: String = lines(directory.path())[..7].iter().map(|line| format!("{line}\n")).collect();
    fs::write(segment(directory.path(), 1), text).unwrap();
    assert!(verify(directory.path(), None).is_ok(), "nothing in the rest tells");
    let broken = verify(directory.path(), Some(anchor)).unwrap_err();
    assert_eq!((broken.line, broken.why), (7, Why::CutOff));
}

#[test]
fn a_trail_opened_again_goes_on_with_its_chain() {
    let directory = written();
    let (trail, torn) = Trail::open(settings(directory.path())).unwrap();
    assert_eq!(torn, None);
    encrypt(&trail, "request-9").unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.events, report.last), (9, trail.position()));
}

#[test]
fn a_torn_last_line_is_cut_off_kept_and_told() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let text = fs::read_to_string(&file).unwrap();
    for torn in ["{\"eventVer", &"x".repeat(300_000), text.lines().next().unwrap()] {
        fs::write(&file, format!("{text}{torn}")).unwrap();
        let beside = directory.path().join("audit-000001.jsonl.torn");
        let _ = fs::remove_file(&beside);
        let (trail, told) = Trail::open(settings(directory.path())).unwrap();
        assert_eq!(told, Some(Torn { file: beside.clone(), bytes: torn.len() as u64 }));
        assert_eq!(fs::read_to_string(&beside).unwrap(), torn);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        encrypt(&trail, "request-9").unwrap();
        assert_eq!(verify(directory.path(), None).unwrap().events, 9);
    }
}

#[test]
fn a_first_line_that_is_torn_leaves_an_empty_trail() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment(directory.path(), 1), "{\"ev").unwrap();
    let (trail, torn) = Trail::open(settings(directory.path())).unwrap();
    assert_eq!((torn.unwrap().bytes, trail.position().sequence), (4, 0));
    encrypt(&trail, "request-1").unwrap();
    assert_eq!(verify(directory.path(), None).unwrap().events, 1);
}

#[test]
fn a_trail_does_not_go_on_from_a_last_line_that_is_none() {
    let directory = written();
    let file = segment(directory.path(), 1);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}not an event\n")).unwrap();
    assert!(matches!(Trail::open(settings(directory.path())), Err(OpenError::Foreign(at)) if at == file));
}

#[test]
fn a_trail_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    assert!(matches!(Trail::open(settings(directory.path())), Err(OpenError::Busy(_))));
    drop(first);
    open(directory.path());
}

#[test]
fn files_are_their_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("audit");
    encrypt(&open(&own), "request-1").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&own), mode(&segment(&own, 1)), mode(&own.join("audit.lock"))), (0o700, 0o600, 0o600));
}

#[test]
fn a_full_segment_is_followed_by_the_next_and_the_chain_goes_through() {
    let directory = tempfile::tempdir().unwrap();
    let small = || Settings { segment_bytes: 3000, ..settings(directory.path()) };
    let (trail, _) = Trail::open(small()).unwrap();
    for number in 0..10 {
        encrypt(&trail, &format!("request-{number}")).unwrap();
    }
    drop(trail);
    let report = verify(directory.path(), None).unwrap();
    assert_eq!(report.events, 10);
    assert!(report.segments > 2);
    for number in 1..=report.segments as u64 {
        assert!(fs::metadata(segment(directory.path(), number)).unwrap().len() <= 3000);
    }

    fs::write(segment(directory.path(), report.segments as u64 + 1), "").unwrap();
    let (trail, _) = Trail::open(small()).unwrap();
    assert_eq!(trail.position(), report.last, "an empty last segment goes on where the one before ended");
    drop(trail);

    let later = verify(&segment(directory.path(), 2), None).unwrap();
    assert!(later.first > 1, "one segment alone begins later");
    fs::remove_file(segment(directory.path(), 2)).unwrap();
    let broken = verify(directory.path(), None).unwrap_err();
    assert_eq!((broken.file, broken.line), (segment(directory.path(), 3), 1));
    assert!(matches!(broken.why, Why::Removed(_)));
}

#[test]
fn a_trail_whose_old_segments_were_put_away_says_where_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    let (trail, _) = Trail::open(Settings { segment_bytes: 1, ..settings(directory.path()) }).unwrap();
    for number in 0..5 {
        encrypt(&trail, &format!("request-{number}")).unwrap();
    }
    fs::remove_file(segment(directory.path(), 1)).unwrap();
    fs::remove_file(segment(directory.path(), 2)).unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.segments, report.events, report.first, report.last.sequence), (3, 3, 3, 5));
}

#[test]
fn without_room_requests_are_refused_and_the_trail_later_says_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    encrypt(&trail, "request-1").unwrap();
    for room in [0, 1, 200] {
        trail.fill(Some(room));
        assert_eq!(encrypt(&trail, "request-2").unwrap_err().code, Code::KMSInternalException);
        assert!(trail.ready().is_err(), "nothing is begun that can't be told of");
    }
    assert_eq!(trail.lost(), 3);
    assert_eq!(lines(directory.path()).len(), 1, "nothing of what did not fit is left");
    trail.fill(None);
    assert!(trail.ready().is_ok());
    encrypt(&trail, "request-3").unwrap();
    let events: Vec<Value> =
        lines(directory.path()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["eventName"], "AuditTrailResumed");
    assert_eq!(events[1]["serviceEventDetails"]["lostEvents"], 3);
    assert_eq!(verify(directory.path(), None).unwrap().last, trail.position());
}

#[test]
fn without_room_requests_go_on_where_the_setting_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let lenient = Settings { unwritable: Unwritable::Continue, ..settings(directory.path()) };
    let (trail, _) = Trail::open(lenient).unwrap();
    trail.fill(Some(10));
    assert!(encrypt(&trail, "request-1").is_ok() && trail.ready().is_ok());
    assert_eq!(trail.lost(), 1);
    trail.fill(None);
    encrypt(&trail, "request-2").unwrap();
    assert_eq!(verify(directory.path(), None).unwrap().events, 2, "the gap is told before the next event");
}

#[test]
fn events_of_many_threads_are_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let small = Settings { segment_bytes: 20_000, ..settings(directory.path()) };
    let trail = Arc::new(Trail::open(small).unwrap().0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let trail = Arc::clone(&trail);
            scope.spawn(move || {
                for number in 0..50 {
                    encrypt(&trail, &format!("{thread}-{number}")).unwrap();
                    trail.flush().unwrap();
                }
            });
        }
    });
    trail.sync().unwrap();
    let report = verify(directory.path(), None).unwrap();
    assert_eq!((report.events, report.last), (200, trail.position()));
}
