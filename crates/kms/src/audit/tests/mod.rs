//! The trail as a whole: what it holds, what it survives, and what it gives away.

mod chain;
mod told;

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
