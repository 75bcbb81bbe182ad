//! Who may what, over key policies, identity policies and grants.

use super::*;
use crate::api::error::Code;
use crate::policy::Side::{Identity, Resource};
use crate::policy::{Key, authorize, default_policy};
use Decision::{Allow, ExplicitDeny, ImplicitDeny};

#[test]
fn k35_the_default_policy_leaves_it_to_identity_policies() {
    let cases: &[(&str, &str, Decision)] = &[
        (ROOT, "", Allow),
        (ALICE, "", ImplicitDeny(Identity)),
        (ALICE, "kms:Decrypt", Allow),
        (ALICE, "kms:*", Allow),
        (ALICE, "*", Allow),
        (ALICE, "kms:De*", Allow),
        (ALICE, "KMS:DECRYPT", Allow),
        (ALICE, "kms:Decryp?", Allow),
        (ALICE, "kms:Decrypt?", ImplicitDeny(Identity)),
        (ALICE, "kms:Encrypt", ImplicitDeny(Identity)),
        (ALICE, "s3:*", ImplicitDeny(Identity)),
        (SESSION, "kms:Decrypt", Allow),
        (SESSION, "", ImplicitDeny(Identity)),
        (FOREIGNER, "kms:Decrypt", ImplicitDeny(Resource)),
        (FOREIGN_ROOT, "", ImplicitDeny(Resource)),
    ];
    for (who, action, expected) in cases {
        let mut ask = Ask::of(who);
        ask.policy = Some(Document::parse(&default_policy(HOME)).unwrap());
        if !action.is_empty() {
            ask = ask.identity_policy(&own("Allow", action));
        }
        assert_eq!(ask.decide(), *expected, "{who} with {action}");
    }
}

#[test]
fn k36_a_principal_is_met_by_those_it_names() {
    let role = "arn:aws:iam::111122223333:role/Admin";
    let role_with_path = "arn:aws:iam::111122223333:role/ops/eu/Admin";
    let foreign_role = "arn:aws:iam::444455556666:role/Admin";
    let other_session = "arn:aws:sts::111122223333:assumed-role/Admin/tuesday";
    let other_role = "arn:aws:sts::111122223333:assumed-role/Administrator/monday";
    // Principal, caller, whether the key policy alone allows it.
    let cases: &[(&str, &str, bool)] = &[
        (ALICE, ALICE, true),
        (ALICE, BOB, false),
        (ALICE, ROOT, false),
        (BOB, BOB, true),
        ("arn:aws:iam::111122223333:user/Bob", BOB, false),
        ("arn:aws:iam::111122223333:user/alice", ALICE, false),
        (role, SESSION, true),
        (role, other_session, true),
        (role, other_role, false),
        (role_with_path, SESSION, true),
        (foreign_role, SESSION, false),
        (SESSION, SESSION, true),
        (SESSION, other_session, false),
        (ROOT, ROOT, true),
        (ROOT, ALICE, false),
        (HOME, ROOT, true),
        (HOME, ALICE, false),
        ("*", ALICE, true),
        ("*", SESSION, true),
        ("*", ROOT, true),
        ("*", FOREIGNER, false),
    ];
    for (principal, who, allowed) in cases {
        let ask = Ask::of(who).key_policy(&statement("Allow", &aws(principal), "kms:Decrypt"));
        assert_eq!(ask.decide() == Allow, *allowed, "{principal} for {who}");
    }
}

#[test]
fn k36_identity_policies_count_only_for_what_the_key_policy_leaves_to_the_account() {
    let policy = format!(
        "{}, {}",
        statement("Allow", &aws(HOME), "kms:De*"),
        statement("Allow", &aws(BOB), "kms:PutKeyPolicy")
    );
    let cases = [
        (ALICE, "kms:Decrypt", Allow),
        (ALICE, "kms:DescribeKey", Allow),
        (ALICE, "kms:Encrypt", ImplicitDeny(Resource)),
        (ALICE, "kms:PutKeyPolicy", ImplicitDeny(Resource)),
        (BOB, "kms:PutKeyPolicy", Allow),
        (ROOT, "kms:PutKeyPolicy", ImplicitDeny(Resource)),
        (ROOT, "kms:Decrypt", Allow),
    ];
    for (who, action, expected) in cases {
        let mut ask = Ask::of(who).key_policy(&policy).identity_policy(&own("Allow", "kms:*"));
        ask.action = action;
        assert_eq!(ask.decide(), expected, "{who} {action}");
    }
}

#[test]
fn k36_an_explicit_deny_wins_over_every_allow() {
    let allow = statement("Allow", &aws("*"), "kms:*");
    let deny_principals: &[(String, &str, bool)] = &[
        (aws(ALICE), ALICE, true),
        (aws(ALICE), BOB, false),
        ("'*'".to_owned(), ROOT, true),
        // To deny an account is to deny everyone in it.
        (aws(HOME), ALICE, true),
        (aws(ROOT), SESSION, true),
        (aws(ABROAD), ALICE, false),
        (aws("arn:aws:iam::111122223333:role/Admin"), SESSION, true),
    ];
    for (principal, who, denied) in deny_principals {
        for deny_first in [true, false] {
            let deny = statement("Deny", principal, "kms:Decrypt");
            let both = if deny_first { format!("{deny}, {allow}") } else { format!("{allow}, {deny}") };
            let mut ask = Ask::of(who).key_policy(&both).identity_policy(&own("Allow", "*"));
            ask.grant = true;
            let expected = if *denied { ExplicitDeny(Resource) } else { Allow };
            assert_eq!(ask.decide(), expected, "deny {principal} for {who}");
            assert!(!ask.grant_asked.get(), "no grant is looked for when policies decide");
        }
    }
    let own_deny = Ask::of(ALICE)
        .key_policy(&allow)
        .identity_policy(&own("Allow", "*"))
        .identity_policy(&own("Deny", "kms:Dec*"));
    assert_eq!(own_deny.decide(), ExplicitDeny(Identity));
}

#[test]
fn k36_not_principal_spares_only_whom_it_names_with_role_and_account() {
    let role = "arn:aws:iam::111122223333:role/Admin";
    let cases: &[(&[&str], &str, bool)] = &[
        (&[ALICE, ROOT], ALICE, true),
        (&[ALICE, HOME], ALICE, true),
        (&[ALICE], ALICE, false),
        (&[ALICE, ROOT], BOB, false),
        (&[ALICE, ROOT], ROOT, true),
        (&[ROOT], ALICE, false),
        (&[SESSION, role, ROOT], SESSION, true),
        (&[SESSION, ROOT], SESSION, false),
        (&[role, ROOT], SESSION, false),
        (&["*"], ALICE, true),
    ];
    for (spared, who, allowed) in cases {
        let list = spared.iter().map(|principal| format!("'{principal}'")).collect::<Vec<_>>().join(", ");
        let deny = format!(
            "{{'Effect': 'Deny', 'NotPrincipal': {{'AWS': [{list}]}}, 'Action': 'kms:*', 'Resource': '*'}}"
        );
        let ask = Ask::of(who).key_policy(&format!("{}, {deny}", statement("Allow", &aws("*"), "kms:*")));
        let expected = if *allowed { Allow } else { ExplicitDeny(Resource) };
        assert_eq!(ask.decide(), expected, "all but {list} for {who}");
    }
}

#[test]
fn k38_another_account_needs_both_its_own_policies_and_the_keys() {
    let nobody = aws(ALICE);
    let cases: &[(String, &str, &str, Decision)] = &[
        (aws(FOREIGNER), FOREIGNER, "kms:Decrypt", Allow),
        (aws(FOREIGNER), FOREIGNER, "", ImplicitDeny(Identity)),
        (aws(ABROAD), FOREIGNER, "kms:Decrypt", Allow),
        (aws(ABROAD), FOREIGNER, "kms:Encrypt", ImplicitDeny(Identity)),
        (aws(FOREIGN_ROOT), FOREIGN_ROOT, "", Allow),
        (aws("*"), FOREIGNER, "kms:Decrypt", Allow),
        (aws("*"), FOREIGN_ROOT, "", Allow),
        (nobody, FOREIGNER, "kms:*", ImplicitDeny(Resource)),
        (aws(HOME), FOREIGNER, "kms:*", ImplicitDeny(Resource)),
        (aws(HOME), FOREIGN_ROOT, "kms:*", ImplicitDeny(Resource)),
    ];
    for (principal, who, action, expected) in cases {
        let mut ask = Ask::of(who).key_policy(&statement("Allow", principal, "kms:*"));
        if !action.is_empty() {
            ask = ask.identity_policy(&own("Allow", action));
        }
        assert_eq!(ask.decide(), *expected, "{principal} for {who} with {action}");
    }
}

#[test]
fn k39_a_grant_allows_alone_and_is_asked_for_last() {
    let none = statement("Allow", &aws(BOB), "kms:*");
    for (who, grant, expected) in [
        (ALICE, true, Allow),
        (ALICE, false, ImplicitDeny(Resource)),
        (FOREIGNER, true, Allow),
        (BOB, false, Allow),
    ] {
        let mut ask = Ask::of(who).key_policy(&none);
        ask.grant = grant;
        assert_eq!(ask.decide(), expected, "{who}");
        assert_eq!(ask.grant_asked.get(), who != BOB);
    }
    let mut denied = Ask::of(ALICE).key_policy(&none).identity_policy(&own("Deny", "kms:Decrypt"));
    denied.grant = true;
    assert_eq!(denied.decide(), ExplicitDeny(Identity));
}

#[test]
fn without_a_key_identity_policies_decide_alone() {
    for (who, policy, expected) in [
        (ROOT, None, Allow),
        (ALICE, None, ImplicitDeny(Identity)),
        (ALICE, Some(own("Allow", "kms:Create*")), Allow),
        (ALICE, Some(own("Deny", "kms:CreateKey")), ExplicitDeny(Identity)),
    ] {
        let mut ask = Ask::of(who);
        (ask.action, ask.resource, ask.grant) = ("kms:CreateKey", "*", true);
        if let Some(policy) = policy {
            ask = ask.identity_policy(&policy);
        }
        assert_eq!(ask.decide(), expected, "{who}");
        assert!(!ask.grant_asked.get());
    }
}

#[test]
fn resources_and_negated_elements_select_as_written() {
    let other_key = "arn:aws:kms:us-east-1:111122223333:key/other";
    let cases: &[(&str, bool)] = &[
        ("'Action': 'kms:*', 'Resource': '*'", true),
        (&format!("'Action': 'kms:*', 'Resource': '{KEY}'"), true),
        (&format!("'Action': 'kms:*', 'Resource': '{other_key}'"), false),
        (&format!("'Action': 'kms:*', 'Resource': ['{other_key}', '{KEY}']"), true),
        ("'Action': 'kms:*', 'Resource': 'arn:aws:kms:*:111122223333:key/*'", true),
        ("'Action': 'kms:*', 'Resource': 'arn:aws:kms:*:444455556666:key/*'", false),
        ("'Action': 'kms:*', 'Resource': 'arn:aws:kms:us-east-?:${aws:PrincipalAccount}:key/*'", true),
        ("'Action': 'kms:*', 'Resource': 'arn:aws:kms:*:*:alias/*'", false),
        ("'Action': 'kms:*', 'Resource': 'arn:AWS:kms:*:*:key/*'", false),
        (&format!("'Action': 'kms:*', 'NotResource': '{KEY}'"), false),
        (&format!("'Action': 'kms:*', 'NotResource': '{other_key}'"), true),
        ("'NotAction': 'kms:Decrypt', 'Resource': '*'", false),
        ("'NotAction': ['kms:Encrypt', 's3:*'], 'Resource': '*'", true),
        ("'Action': ['kms:Encrypt', 'kms:Decrypt'], 'Resource': '*'", true),
    ];
    for (elements, allowed) in cases {
        let identity = format!("{{'Effect': 'Allow', {elements}}}");
        let ask =
            Ask::of(ALICE).key_policy(&statement("Allow", &aws(ROOT), "kms:*")).identity_policy(&identity);
        assert_eq!(ask.decide() == Allow, *allowed, "{elements}");
    }
}

#[test]
fn a_key_policy_statement_without_action_or_resource_does_nothing() {
    for elements in ["'Action': 'kms:*'", "'Resource': '*'", "'Sid': 'nothing else'"] {
        let policy = format!("{{'Effect': 'Allow', 'Principal': '*', {elements}}}");
        assert_eq!(Ask::of(ALICE).key_policy(&policy).decide(), ImplicitDeny(Resource), "{elements}");
    }
}

#[test]
fn a_service_principal_is_met_by_the_service_itself_only() {
    let policy = statement("Allow", "{'Service': 'logs.us-east-1.amazonaws.com'}", "kms:Decrypt");
    let service = Ask::of("logs.us-east-1.amazonaws.com").key_policy(&policy);
    assert_eq!(service.decide(), Allow);
    let mut through_it = Ask::of(ALICE).key_policy(&policy);
    through_it.caller.via_service = Some("logs.us-east-1.amazonaws.com".to_owned());
    assert_eq!(through_it.decide(), ImplicitDeny(Resource));
}

/// A statement about everyone who comes, or doesn't come, through a service.
fn through(service: &str, effect: &str, operator: &str) -> String {
    conditional(effect, &aws("*"), "kms:*", &format!("{{'{operator}': {{'kms:ViaService': '{service}'}}}}"))
}

#[test]
fn k37_direct_use_is_denied_where_the_policy_wants_a_service() {
    let s3 = "s3.us-east-1.amazonaws.com";
    let allow_through = through(s3, "Allow", "StringEquals");
    let deny_direct =
        format!("{}, {}", statement("Allow", &aws("*"), "kms:*"), through(s3, "Deny", "StringNotEquals"));
    for (policy, service, expected) in [
        (&allow_through, Some(s3), Allow),
        (&allow_through, Some("ec2.us-east-1.amazonaws.com"), ImplicitDeny(Resource)),
        (&allow_through, None, ImplicitDeny(Resource)),
        (&deny_direct, Some(s3), Allow),
        (&deny_direct, Some("ec2.us-east-1.amazonaws.com"), ExplicitDeny(Resource)),
        (&deny_direct, None, ExplicitDeny(Resource)),
    ] {
        let mut ask = Ask::of(ALICE).key_policy(policy);
        ask.caller.via_service = service.map(str::to_owned);
        assert_eq!(ask.decide(), expected, "through {service:?}");
    }
}

#[test]
fn k33_the_encryption_context_decides() {
    let policy = "{'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'kms:Decrypt', 'Resource': '*', 'Condition': {
        'StringEquals': {'kms:EncryptionContext:AppName': 'Payroll'},
        'ForAllValues:StringEquals': {'kms:EncryptionContextKeys': ['AppName', 'Stage']}}}";
    let cases: &[(&[(&'static str, &'static str)], bool)] = &[
        (&[("AppName", "Payroll")], true),
        (&[("AppName", "Payroll"), ("Stage", "test")], true),
        (&[("AppName", "payroll")], false),
        (&[("AppName", "Payroll"), ("User", "me")], false),
        (&[("Stage", "test")], false),
        // The condition's name has no case, the list of keys has.
        (&[("appname", "Payroll")], false),
        (&[], false),
    ];
    for (pairs, allowed) in cases {
        let mut ask = Ask::of(ALICE).key_policy(policy);
        for (key, value) in *pairs {
            ask.facts.put_part(Key::EncryptionContext, key, *value);
            ask.facts.put(Key::EncryptionContextKeys, *key);
        }
        assert_eq!(ask.decide() == Allow, *allowed, "{pairs:?}");
    }
}

#[test]
fn refusals_read_as_aws_words_them() {
    let open = statement("Allow", &aws("*"), "kms:*");
    let closed = statement("Allow", &aws(BOB), "kms:*");
    let account = statement("Allow", &aws(ROOT), "kms:*");
    let denied = statement("Deny", &aws(ALICE), "kms:*");
    let start = format!("User: {ALICE} is not authorized to perform: kms:Decrypt on resource: {KEY}");
    let cases = [
        (
            Ask::of(ALICE).key_policy(&closed),
            "because no resource-based policy allows the kms:Decrypt action",
        ),
        (
            Ask::of(ALICE).key_policy(&account),
            "because no identity-based policy allows the kms:Decrypt action",
        ),
        (Ask::of(ALICE).key_policy(&denied), "with an explicit deny in a resource-based policy"),
        (
            Ask::of(ALICE).key_policy(&open).identity_policy(&own("Deny", "kms:*")),
            "with an explicit deny in an identity-based policy",
        ),
    ];
    for (ask, reason) in cases {
        let fault = ask.with(authorize).unwrap_err();
        assert_eq!(fault.code, Code::AccessDeniedException);
        assert_eq!(fault.message, format!("{start} {reason}"));
    }
    assert_eq!(Ask::of(ALICE).key_policy(&open).with(authorize), Ok(()));
}
