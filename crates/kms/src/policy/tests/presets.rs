//! The default policy, and the check against lockout.

use super::*;
use crate::policy::{default_policy, lockout_check};

#[test]
fn k35_the_default_policy_is_the_one_of_the_guide() {
    let text = default_policy(HOME);
    Document::parse(&text).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": ROOT},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    assert_eq!(json, expected);
}

#[test]
fn k35_a_policy_that_locks_its_author_out_is_refused() {
    let put = "kms:PutKeyPolicy";
    let cases: &[(String, &str, bool)] = &[
        (statement("Allow", &aws(ROOT), "kms:*"), ALICE, true),
        (statement("Allow", &aws(ROOT), "kms:*"), ROOT, true),
        (statement("Allow", &aws(ROOT), "kms:*"), SESSION, true),
        (statement("Allow", &aws(ALICE), put), ALICE, true),
        (statement("Allow", &aws(ALICE), "kms:Put*"), ALICE, true),
        (statement("Allow", &aws(ALICE), "kms:Decrypt"), ALICE, false),
        (statement("Allow", &aws(ALICE), "kms:*"), BOB, false),
        (statement("Allow", &aws(ALICE), "kms:*"), ROOT, false),
        (statement("Allow", &aws(ABROAD), "kms:*"), ALICE, false),
        (
            format!("{}, {}", statement("Allow", "'*'", "*"), statement("Deny", &aws(ALICE), put)),
            ALICE,
            false,
        ),
        (format!("{}, {}", statement("Allow", "'*'", "*"), statement("Deny", &aws(ALICE), put)), BOB, true),
        (
            conditional("Allow", "'*'", "*", "{'StringEquals': {'kms:CallerAccount': '444455556666'}}"),
            ALICE,
            false,
        ),
        (
            conditional("Allow", "'*'", "*", "{'StringEquals': {'kms:CallerAccount': '111122223333'}}"),
            ALICE,
            true,
        ),
    ];
    for (statements, who, passes) in cases {
        let mut ask = Ask::of(who);
        // As CreateKey asks: there is no key yet.
        ask.action = "kms:CreateKey";
        let policy = Document::parse(&document(statements)).unwrap();
        let checked = ask.with(|request| lockout_check(&policy, request));
        assert_eq!(checked.is_ok(), *passes, "{statements} for {who}");
        if let Err(fault) = checked {
            assert_eq!(
                fault.to_string(),
                "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future."
            );
        }
    }
}
