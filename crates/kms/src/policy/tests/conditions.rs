//! What conditions hold of what requests.

use super::*;
use crate::policy::{Context, Key, Source};

/// Whether `condition` holds for `ask`.
fn holds(ask: Ask, condition: &str) -> bool {
    ask.key_policy(&conditional("Allow", "'*'", "kms:*", condition)).decide() == Decision::Allow
}

/// Checks rows of operator, policy's value, request's values of `key`, and whether it holds.
fn check(key: Key, rows: &[(&str, &str, &[&'static str], bool)]) {
    for (operator, expected, values, held) in rows {
        let mut ask = Ask::of(ALICE);
        for value in *values {
            ask.facts.put(key, *value);
        }
        let condition = format!("{{'{operator}': {{'{}': {expected}}}}}", key.name());
        assert_eq!(holds(ask, &condition), *held, "{operator} {expected} of {values:?}");
    }
}

#[test]
fn strings_compare_by_their_operator() {
    check(
        Key::RequestAlias,
        &[
            ("StringEquals", "'alias/a'", &["alias/a"], true),
            ("StringEquals", "'alias/a'", &["alias/A"], false),
            ("StringEquals", "'alias/*'", &["alias/a"], false),
            ("StringEquals", "'alias/*'", &["alias/*"], true),
            ("StringEquals", "['x', 'alias/a']", &["alias/a"], true),
            ("StringNotEquals", "'alias/a'", &["alias/a"], false),
            ("StringNotEquals", "'alias/a'", &["alias/A"], true),
            ("StringNotEquals", "['x', 'alias/a']", &["alias/a"], false),
            ("StringEqualsIgnoreCase", "'ALIAS/a'", &["alias/A"], true),
            ("StringEqualsIgnoreCase", "'ALIAS/É'", &["alias/é"], true),
            ("StringEqualsIgnoreCase", "'ALIAS/É'", &["alias/e"], false),
            ("StringEqualsIgnoreCase", "'alias'", &["alias/a"], false),
            ("StringNotEqualsIgnoreCase", "'ALIAS/a'", &["alias/A"], false),
            ("StringNotEqualsIgnoreCase", "'ALIAS/b'", &["alias/A"], true),
            ("StringLike", "'alias/*'", &["alias/a"], true),
            ("StringLike", "'alias/?'", &["alias/é"], true),
            ("StringLike", "'alias/?'", &["alias/ab"], false),
            ("StringLike", "'*a*b*'", &["xaxxbx"], true),
            ("StringLike", "'*a*b'", &["xabxbx"], false),
            ("StringLike", "'*a*b'", &["xabxb"], true),
            ("StringLike", "'*'", &[""], true),
            ("StringLike", "'A*'", &["alias"], false),
            ("StringNotLike", "'alias/*'", &["alias/a"], false),
            ("StringNotLike", "'alias/b*'", &["alias/a"], true),
        ],
    );
}

#[test]
fn arns_compare_part_by_part() {
    for operator in ["ArnEquals", "ArnLike"] {
        check(
            Key::GranteePrincipal,
            &[
                (operator, "'arn:aws:iam::111122223333:role/A'", &["arn:aws:iam::111122223333:role/A"], true),
                (operator, "'arn:aws:iam::*:role/*'", &["arn:aws:iam::111122223333:role/A"], true),
                (operator, "'arn:aws:iam::1111222?3333:role/A'", &["arn:aws:iam::111122223333:role/A"], true),
                (operator, "'arn:aws:*:role/A:x:y'", &["arn:aws:iam::111122223333:role/A"], false),
                (operator, "'arn:aws:iam:*:role/A:'", &["arn:aws:iam::111122223333:role/A"], false),
                (operator, "'arn:aws:logs:*:*:log-group:*'", &["arn:aws:logs:r:1:log-group:a:b"], true),
                (operator, "'*'", &["arn:aws:iam::111122223333:role/A"], true),
                (operator, "'arn:aws:iam::*:role/*'", &["not an arn"], false),
            ],
        );
    }
    check(
        Key::GranteePrincipal,
        &[
            ("ArnNotEquals", "'arn:aws:iam::*:role/*'", &["arn:aws:iam::111122223333:role/A"], false),
            ("ArnNotLike", "'arn:aws:iam::*:user/*'", &["arn:aws:iam::111122223333:role/A"], true),
        ],
    );
}

#[test]
fn numbers_compare_in_value() {
    check(
        Key::RotationPeriodInDays,
        &[
            ("NumericEquals", "'90'", &["90"], true),
            ("NumericEquals", "90", &["90.0"], true),
            ("NumericEquals", "[30, 90]", &["90"], true),
            ("NumericNotEquals", "90", &["90"], false),
            ("NumericNotEquals", "90", &["91"], true),
            ("NumericLessThan", "100", &["90"], true),
            ("NumericLessThan", "90", &["90"], false),
            ("NumericLessThanEquals", "90", &["90"], true),
            ("NumericGreaterThan", "9", &["90"], true),
            ("NumericGreaterThan", "90", &["90"], false),
            ("NumericGreaterThanEquals", "90", &["90"], true),
            ("NumericGreaterThanEquals", "90.5", &["90"], false),
            ("NumericLessThan", "100", &["many"], false),
            ("NumericNotEquals", "100", &["many"], true),
        ],
    );
}

#[test]
fn dates_compare_in_time() {
    check(
        Key::ValidTo,
        &[
            ("DateEquals", "'2026-01-02T03:04:05Z'", &["1767323045"], true),
            ("DateEquals", "'2026-01-02T03:04:05Z'", &["2026-01-02T04:04:05+01:00"], true),
            ("DateNotEquals", "'2026-01-02'", &["2026-01-02T00:00:00Z"], false),
            ("DateLessThan", "'2026-01-02'", &["2026-01-01T23:59:59Z"], true),
            ("DateLessThan", "'2026-01-02'", &["2026-01-02"], false),
            ("DateLessThanEquals", "'2026-01-02'", &["2026-01-02"], true),
            ("DateGreaterThan", "'2026'", &["2026-01-01T00:00:01Z"], true),
            ("DateGreaterThan", "'2026'", &["2026-01"], false),
            ("DateGreaterThanEquals", "1767225600", &["2026-01-01"], true),
            ("DateLessThan", "'2026'", &["someday"], false),
        ],
    );
    for (condition, held) in [
        ("{'DateGreaterThan': {'aws:CurrentTime': '2023-11-14T22:13:19Z'}}", true),
        ("{'DateEquals': {'aws:CurrentTime': '2023-11-14T22:13:20Z'}}", true),
        ("{'DateGreaterThan': {'aws:CurrentTime': '2023-11-14T22:13:20Z'}}", false),
        ("{'NumericEquals': {'aws:EpochTime': 1700000000}}", true),
        ("{'DateLessThan': {'aws:EpochTime': '2024-01-01'}}", true),
    ] {
        assert_eq!(holds(Ask::of(ALICE), condition), held, "{condition}");
    }
}

#[test]
fn booleans_and_binaries_compare_in_value() {
    check(
        Key::MultiRegion,
        &[
            ("Bool", "'true'", &["true"], true),
            ("Bool", "true", &["True"], true),
            ("Bool", "'FALSE'", &["false"], true),
            ("Bool", "false", &["true"], false),
            ("Bool", "[true, false]", &["true"], true),
            ("Bool", "true", &["1"], false),
            ("BinaryEquals", "'QmluYXJ5'", &["QmluYXJ5"], true),
            ("BinaryEquals", "'QmluYXJ5'", &["QmluYXJ6"], false),
            ("BinaryEquals", "'QmluYXJ5'", &["?"], false),
        ],
    );
}

#[test]
fn addresses_compare_by_network() {
    let rows: &[(&str, &str, &str, bool)] = &[
        ("IpAddress", "'192.0.2.0/24'", "192.0.2.7", true),
        ("IpAddress", "'192.0.2.7'", "192.0.2.7", true),
        ("IpAddress", "'192.0.2.8'", "192.0.2.7", false),
        ("IpAddress", "'192.0.2.8/29'", "192.0.2.7", false),
        ("IpAddress", "'0.0.0.0/0'", "192.0.2.7", true),
        ("IpAddress", "['198.51.100.0/24', '192.0.2.0/24']", "192.0.2.7", true),
        ("IpAddress", "'192.0.2.0/24'", "::ffff:192.0.2.7", true),
        ("IpAddress", "'2001:db8::/32'", "2001:db8:1::1", true),
        ("IpAddress", "'2001:db8::/32'", "2001:db9::1", false),
        ("IpAddress", "'::/0'", "2001:db9::1", true),
        ("IpAddress", "'::/0'", "192.0.2.7", false),
        ("NotIpAddress", "'192.0.2.0/24'", "192.0.2.7", false),
        ("NotIpAddress", "['198.51.100.0/24', '192.0.2.0/24']", "192.0.2.7", false),
        ("NotIpAddress", "'198.51.100.0/24'", "192.0.2.7", true),
    ];
    for (operator, networks, address, held) in rows {
        let mut ask = Ask::of(ALICE);
        ask.caller.source = Some(address.parse().unwrap());
        let condition = format!("{{'{operator}': {{'aws:SourceIp': {networks}}}}}");
        assert_eq!(holds(ask, &condition), *held, "{operator} {networks} of {address}");
    }
    let mut unknown = Ask::of(ALICE);
    unknown.caller.source = None;
    assert!(!holds(unknown, "{'IpAddress': {'aws:SourceIp': '0.0.0.0/0'}}"));
}

#[test]
fn a_missing_key_fails_comparisons_and_fulfils_their_negations() {
    check(
        Key::KeySpec,
        &[
            ("StringEquals", "'x'", &[], false),
            ("StringLike", "'*'", &[], false),
            ("StringNotEquals", "'x'", &[], true),
            ("StringNotLike", "'*'", &[], true),
            ("ArnNotEquals", "'*'", &[], true),
            ("NumericNotEquals", "1", &[], true),
            ("NumericLessThan", "1", &[], false),
            ("NotIpAddress", "'0.0.0.0/0'", &[], true),
            ("Bool", "'false'", &[], false),
            ("StringEqualsIfExists", "'x'", &[], true),
            ("StringEqualsIfExists", "'x'", &["x"], true),
            ("StringEqualsIfExists", "'x'", &["y"], false),
            ("StringNotEqualsIfExists", "'x'", &["x"], false),
            ("StringNotEqualsIfExists", "'x'", &[], true),
            ("BoolIfExists", "true", &[], true),
            ("BoolIfExists", "true", &["false"], false),
            ("NumericLessThanIfExists", "5", &["9"], false),
            ("IpAddressIfExists", "'10.0.0.0/8'", &[], true),
            ("ForAllValues:StringEquals", "'x'", &[], true),
            ("ForAllValues:StringNotEquals", "'x'", &[], true),
            ("ForAnyValue:StringEquals", "'x'", &[], false),
            ("ForAnyValue:StringNotEquals", "'x'", &[], false),
            ("ForAnyValue:StringEqualsIfExists", "'x'", &[], true),
            ("Null", "'true'", &[], true),
            ("Null", "true", &["x"], false),
            ("Null", "'false'", &[], false),
            ("Null", "false", &["x"], true),
            ("Null", "['true', 'false']", &["x"], true),
        ],
    );
}

#[test]
fn set_operators_ask_for_all_or_any_of_the_values() {
    check(
        Key::GrantOperations,
        &[
            ("ForAllValues:StringEquals", "['Encrypt', 'Decrypt']", &["Decrypt"], true),
            ("ForAllValues:StringEquals", "['Encrypt', 'Decrypt']", &["Decrypt", "Encrypt"], true),
            ("ForAllValues:StringEquals", "['Encrypt', 'Decrypt']", &["Decrypt", "Sign"], false),
            ("ForAllValues:StringNotEquals", "['Sign']", &["Decrypt", "Encrypt"], true),
            ("ForAllValues:StringNotEquals", "['Sign']", &["Decrypt", "Sign"], false),
            ("ForAllValues:StringLike", "'De*'", &["Decrypt", "DescribeKey"], true),
            ("ForAnyValue:StringEquals", "['Encrypt', 'Decrypt']", &["Decrypt", "Sign"], true),
            ("ForAnyValue:StringEquals", "['Encrypt']", &["Decrypt", "Sign"], false),
            ("ForAnyValue:StringNotEquals", "['Sign']", &["Decrypt", "Sign"], true),
            ("ForAnyValue:StringNotEquals", "['Sign']", &["Sign"], false),
            // Without a set operator: any for a comparison, none for its negation.
            ("StringEquals", "'Sign'", &["Decrypt", "Sign"], true),
            ("StringNotEquals", "'Sign'", &["Decrypt", "Sign"], false),
        ],
    );
}

#[test]
fn all_lines_of_a_condition_must_hold() {
    for (condition, held) in [
        ("{}", true),
        ("{'Bool': {'aws:SecureTransport': true}, 'StringEquals': {'aws:username': 'Alice'}}", true),
        ("{'Bool': {'aws:SecureTransport': false}, 'StringEquals': {'aws:username': 'Alice'}}", false),
        ("{'StringEquals': {'aws:username': 'Alice', 'aws:RequestedRegion': 'us-east-1'}}", true),
        ("{'StringEquals': {'aws:username': 'Alice', 'aws:RequestedRegion': 'us-west-2'}}", false),
    ] {
        assert_eq!(holds(Ask::of(ALICE), condition), held, "{condition}");
    }
}

#[test]
fn key_names_and_parts_have_no_case() {
    for (condition, held) in [
        ("{'StringEquals': {'KMS:calleraccount': '111122223333'}}", true),
        ("{'StringEquals': {'AWS:UserName': 'Alice'}}", true),
        ("{'StringEquals': {'aws:ResourceTag/stage': 'Test'}}", true),
        ("{'StringEquals': {'aws:resourcetag/STAGE': 'Test'}}", true),
        ("{'StringEquals': {'aws:ResourceTag/Stage': 'test'}}", false),
        ("{'StringEquals': {'aws:RequestTag/Stage': 'Test'}}", false),
        ("{'StringEquals': {'aws:ResourceTag/': 'Test'}}", false),
        ("{'StringEquals': {'kms:encryptioncontext:appname': 'Payroll'}}", true),
        ("{'StringEquals': {'kms:EncryptionContext:App': 'Payroll'}}", false),
        ("{'StringEquals': {'aws:username': 'Alice'}}", true),
        ("{'StringEquals': {'aws:usernames': 'Alice'}}", false),
        // Keys of other services are simply not there.
        ("{'StringEquals': {'s3:prefix': 'a'}}", false),
        ("{'Null': {'aws:PrincipalOrgID': true}}", true),
    ] {
        let mut ask = Ask::of(ALICE);
        ask.facts.put_part(Key::ResourceTag, "Stage", "Test");
        ask.facts.put_part(Key::EncryptionContext, "AppName", "Payroll");
        assert_eq!(holds(ask, condition), held, "{condition}");
    }
}

#[test]
fn variables_stand_for_single_values_of_the_request() {
    for (condition, held) in [
        ("{'StringEquals': {'kms:RequestAlias': 'alias/${aws:username}'}}", true),
        ("{'StringEquals': {'kms:RequestAlias': 'alias/${AWS:UserName}'}}", true),
        ("{'StringLike': {'kms:RequestAlias': '*/${aws:username}*'}}", true),
        ("{'StringEquals': {'kms:RequestAlias': 'alias/${aws:ResourceTag/owner}'}}", true),
        ("{'StringEqualsIgnoreCase': {'kms:RequestAlias': 'ALIAS/${aws:username}'}}", true),
        ("{'StringEquals': {'kms:RequestAlias': 'alias/${kms:KeySpec}'}}", false),
        ("{'StringNotEquals': {'kms:RequestAlias': 'alias/${kms:KeySpec}'}}", true),
        ("{'StringEquals': {'kms:RequestAlias': '${kms:KeySpec, \\'alias/Alice\\'}'}}", true),
        ("{'StringEquals': {'kms:RequestAlias': 'alias/${aws:username, \\'nobody\\'}'}}", true),
        // Several values are no value, and wildcards in a value are none.
        ("{'StringLike': {'kms:RequestAlias': '*${aws:TagKeys}'}}", false),
        ("{'StringLike': {'kms:RequestAlias': '${kms:MessageType}'}}", false),
        ("{'StringLike': {'kms:MessageType': '${*}'}}", true),
        ("{'StringLike': {'kms:RequestAlias': '${*}'}}", false),
        ("{'StringEquals': {'kms:MacAlgorithm': '${$}${?}'}}", true),
        (
            "{'ArnEquals': {'aws:PrincipalArn': 'arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}'}}",
            true,
        ),
        (
            "{'ArnEquals': {'aws:PrincipalArn': 'arn:aws:iam::${aws:PrincipalAccount}:user/${kms:KeySpec}'}}",
            false,
        ),
    ] {
        let mut ask = Ask::of(ALICE);
        ask.facts.put(Key::RequestAlias, "alias/Alice");
        ask.facts.put_part(Key::ResourceTag, "Owner", "Alice");
        ask.facts.put(Key::TagKeys, "Alice");
        ask.facts.put(Key::TagKeys, "Owner");
        ask.facts.put(Key::MessageType, "*");
        ask.facts.put(Key::MacAlgorithm, "$?");
        let condition = condition.replace("\\'", "\u{1}");
        let statement = conditional("Allow", "'*'", "kms:*", &condition);
        let text = document(&statement).replace('\u{1}', "'");
        ask.policy = Some(Document::parse(&text).unwrap());
        assert_eq!(ask.decide() == Decision::Allow, held, "{condition}");
    }
}

#[test]
fn the_older_version_has_no_variables() {
    let text = document(&conditional(
        "Allow",
        "'*'",
        "kms:*",
        "{'StringEquals': {'kms:RequestAlias': 'alias/${aws:username}'}}",
    ));
    let explicit = text.replace("2012", "2008");
    let unwritten = text.replace("\"Version\": \"2012-10-17\", ", "");
    for text in [explicit, unwritten] {
        for (alias, held) in [("alias/Alice", false), ("alias/${aws:username}", true)] {
            let mut ask = Ask::of(ALICE);
            ask.policy = Some(Document::parse(&text).unwrap());
            ask.facts.put(Key::RequestAlias, alias);
            assert_eq!(ask.decide() == Decision::Allow, held, "{alias}");
        }
    }
}

#[test]
fn the_engine_knows_the_caller() {
    let through = |mut ask: Ask| {
        ask.caller.via_service = Some("s3.us-east-1.amazonaws.com".to_owned());
        ask
    };
    let cases: Vec<(Ask, Key, Option<&str>)> = vec![
        (Ask::of(ALICE), Key::CallerAccount, Some(HOME)),
        (Ask::of(ALICE), Key::PrincipalAccount, Some(HOME)),
        (Ask::of(ALICE), Key::PrincipalArn, Some(ALICE)),
        (Ask::of(SESSION), Key::PrincipalArn, Some("arn:aws:iam::111122223333:role/Admin")),
        (Ask::of(ROOT), Key::PrincipalArn, Some(ROOT)),
        (Ask::of(ALICE), Key::PrincipalType, Some("User")),
        (Ask::of(SESSION), Key::PrincipalType, Some("AssumedRole")),
        (Ask::of(ROOT), Key::PrincipalType, Some("Account")),
        (Ask::of(BOB), Key::UserName, Some("Bob")),
        (Ask::of(SESSION), Key::UserName, None),
        (Ask::of(ROOT), Key::UserName, None),
        (Ask::of(BOB), Key::UserId, Some("Bob")),
        (Ask::of(SESSION), Key::UserId, Some("Admin:monday")),
        (Ask::of(ROOT), Key::UserId, Some(HOME)),
        (Ask::of(ALICE), Key::RequestedRegion, Some("us-east-1")),
        (Ask::of(ALICE), Key::SecureTransport, Some("true")),
        (Ask::of(ALICE), Key::ViaService, None),
        (Ask::of(ALICE), Key::ViaAwsService, Some("false")),
        (through(Ask::of(ALICE)), Key::ViaService, Some("s3.us-east-1.amazonaws.com")),
        (through(Ask::of(ALICE)), Key::ViaAwsService, Some("true")),
    ];
    for (ask, key, expected) in cases {
        let who = ask.caller.arn.clone();
        let condition = match expected {
            Some(value) => format!("{{'StringEquals': {{'{}': '{value}'}}}}", key.name()),
            None => format!("{{'Null': {{'{}': true}}}}", key.name()),
        };
        assert!(holds(ask, &condition), "{who}: {condition}");
    }
}

/// A front that answers every key it is asked for.
struct Everything;

impl Context for Everything {
    fn values<'a>(&'a self, _key: Key, _part: &str) -> Vec<std::borrow::Cow<'a, str>> {
        vec!["from the front".into()]
    }
}

#[test]
fn the_front_is_asked_for_its_own_keys_only() {
    for key in Key::ALL {
        let part = if key.has_part() { "part" } else { "" };
        let condition = format!("{{'StringEquals': {{'{}{part}': 'from the front'}}}}", key.name());
        let statement = conditional("Allow", "'*'", "kms:*", &condition);
        let ask = Ask::of(ALICE).key_policy(&statement);
        let asked = ask.with(|request| decide(&Request { context: &Everything, ..*request }));
        assert_eq!(asked == Decision::Allow, key.source() != Source::Engine, "{}", key.name());
    }
}

#[test]
fn no_caller_account_without_a_key() {
    let condition = "'Condition': {'Null': {'kms:CallerAccount': true}}";
    let mut ask = Ask::of(ALICE).identity_policy(&format!(
        "{{'Effect': 'Allow', 'Action': 'kms:ListKeys', 'Resource': '*', {condition}}}"
    ));
    (ask.action, ask.resource) = ("kms:ListKeys", "*");
    assert_eq!(ask.decide(), Decision::Allow);
}
