//! The default policy, that of AWS managed keys, and the check against lockout.

use super::*;
use crate::policy::{default_policy, lockout_check, service_policy};

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

#[test]
fn k20_an_aws_managed_key_is_used_through_its_service_looked_at_by_its_account_and_managed_by_nobody() {
    let s3 = "s3.us-east-1.amazonaws.com";
    let cases = [
        (ALICE, Some(s3), "kms:Decrypt", true),
        (ALICE, Some(s3), "kms:GenerateDataKey", true),
        (SESSION, Some(s3), "kms:Encrypt", true),
        (ALICE, None, "kms:Decrypt", false),
        (ROOT, None, "kms:Decrypt", false),
        (ALICE, Some("ec2.us-east-1.amazonaws.com"), "kms:Decrypt", false),
        (ALICE, Some("s3.eu-west-1.amazonaws.com"), "kms:Decrypt", false),
        (FOREIGNER, Some(s3), "kms:Decrypt", false),
        (FOREIGN_ROOT, Some(s3), "kms:Decrypt", false),
        (ROOT, None, "kms:DescribeKey", true),
        (ROOT, None, "kms:GetKeyPolicy", true),
        (ROOT, Some(s3), "kms:ScheduleKeyDeletion", false),
        (ROOT, None, "kms:DisableKey", false),
        (ROOT, None, "kms:PutKeyPolicy", false),
        (ROOT, None, "kms:DisableKeyRotation", false),
        (ROOT, None, "kms:UpdateAlias", false),
        (ROOT, None, "kms:TagResource", false),
    ];
    for (arn, via, action, expected) in cases {
        let mut ask =
            Ask { action, policy: Some(Document::parse(&service_policy(HOME, s3)).unwrap()), ..Ask::of(arn) };
        ask.caller.via_service = via.map(str::to_owned);
        assert_eq!(ask.decide() == Decision::Allow, expected, "{arn} via {via:?}: {action}");
    }
}
