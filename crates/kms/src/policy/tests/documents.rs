//! What is a policy document, and what is refused as malformed.

use super::*;
use crate::api::error::Code;
use crate::policy::MAX_KEY_POLICY;

fn refused(result: crate::api::error::Result<Document>) -> (Code, String) {
    let fault = result.expect_err("must be refused");
    (fault.code, fault.message)
}

#[test]
fn k35_a_policy_is_given_back_as_it_was_put() {
    let text = format!(" \n{}\t\r\n", document(&statement("Allow", &aws(ROOT), "kms:*")));
    assert_eq!(Document::parse(&text).unwrap().text(), text);
}

#[test]
fn k35_a_malformed_key_policy_is_refused() {
    let rows: &[(&str, &str)] = &[
        ("", "invalid Json"),
        ("not json", "invalid Json"),
        ("[]", "must be a JSON object"),
        ("{}", "at least one statement"),
        ("{'Version': '2012-10-17', 'Statement': []}", "at least one statement"),
        ("{'Statement': 'x'}", "A statement must be a JSON object"),
        ("{'Version': '2013-10-17', 'Statement': [S]}", "version 2013-10-17"),
        ("{'Version': 2012, 'Statement': [S]}", "Version must be a string"),
        ("{'Id': 7, 'Statement': [S]}", "Id must be a string"),
        ("{'Extra': 'x', 'Statement': [S]}", "Unknown field Extra"),
        ("{'Statement': [S], 'Statement': [S]}", "Statement is given twice"),
        ("{'Statement': [S]} trailing", "invalid Json"),
    ];
    let good = statement("Allow", "'*'", "kms:*");
    for (text, message) in rows {
        let text = text.replace("[S]", &format!("[{good}]")).replace('\'', "\"");
        let (code, said) = refused(Document::parse(&text));
        assert_eq!(code, Code::MalformedPolicyDocumentException, "{text}");
        assert!(said.contains(message), "{text}: {said}");
    }
}

#[test]
fn k35_a_malformed_statement_is_refused() {
    let all = "'Effect': 'Allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*'";
    let rows: &[(&str, &str)] = &[
        ("'Principal': '*', 'Action': 'kms:*', 'Resource': '*'", "Missing required field Effect"),
        ("'Effect': 'allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*'", "Invalid effect"),
        ("'Effect': 'Allow', 'Action': 'kms:*', 'Resource': '*'", "Missing required field Principal"),
        ("'Effect': 'Allow', 'NotPrincipal': '*', 'Action': 'kms:*', 'Resource': '*'", "NotPrincipal"),
        ("ALL, 'NotPrincipal': '*'", "only one of"),
        ("ALL, 'NotAction': 'kms:*'", "only one of"),
        ("ALL, 'NotResource': '*'", "only one of"),
        ("ALL, 'Sid': 1", "Sid must be a string"),
        ("ALL, 'Effects': 'Deny'", "Unknown field Effects"),
        ("ALL, 'Condition': []", "Condition must be a JSON object"),
        ("ALL, 'Condition': {'StringMatches': {'aws:username': 'a'}}", "Invalid Condition type"),
        ("ALL, 'Condition': {'ForSomeValues:StringLike': {'aws:username': 'a'}}", "Invalid Condition type"),
        ("ALL, 'Condition': {'NullIfExists': {'aws:username': 'true'}}", "Invalid Condition type"),
        ("ALL, 'Condition': {'ForAllValues:Null': {'aws:username': 'true'}}", "Invalid Condition type"),
        ("ALL, 'Condition': {'StringLike': 'aws:username'}", "must be a JSON object"),
        ("ALL, 'Condition': {'StringLike': {'username': 'a'}}", "prefaced by a vendor"),
        ("ALL, 'Condition': {'StringLike': {'aws:username': []}}", "Invalid value"),
        ("ALL, 'Condition': {'StringLike': {'aws:username': null}}", "Invalid value"),
        ("ALL, 'Condition': {'StringLike': {'aws:username': {'a': 'b'}}}", "Invalid value"),
        ("ALL, 'Condition': {'Bool': {'aws:SecureTransport': 'yes'}}", "Invalid value"),
        ("ALL, 'Condition': {'NumericEquals': {'kms:RotationPeriodInDays': 'many'}}", "Invalid value"),
        ("ALL, 'Condition': {'DateLessThan': {'aws:CurrentTime': 'soon'}}", "Invalid value"),
        ("ALL, 'Condition': {'IpAddress': {'aws:SourceIp': '10.0.0.0/33'}}", "Invalid value"),
        ("ALL, 'Condition': {'BinaryEquals': {'kms:KeySpec': '???'}}", "Invalid value"),
        ("ALL, 'Condition': {'ArnLike': {'aws:PrincipalArn': 'Alice'}}", "Invalid value"),
        ("ALL, 'Condition': {'StringLike': {'kms:KeySpec': '${aws:username'}}", "Invalid value"),
        ("ALL, 'Condition': {'Bool': {'aws:x': true}, 'Bool': {'aws:y': true}}", "given twice"),
    ];
    for (elements, message) in rows {
        let text = document(&format!("{{{}}}", elements.replace("ALL", all)));
        let (code, said) = refused(Document::parse(&text));
        assert_eq!(code, Code::MalformedPolicyDocumentException, "{text}");
        assert!(said.contains(message), "{text}: {said}");
    }
    for (element, values) in [
        ("Action", &["'Decrypt'", "''", "':*'", "'kms:'", "'kms:De crypt'", "7", "[]", "['kms:*', 1]"][..]),
        ("Resource", &["'key'", "''", "'1234abcd'", "[]", "{}", "'arn:${'"][..]),
    ] {
        for value in values {
            let other = if element == "Action" { "'Resource': '*'" } else { "'Action': 'kms:*'" };
            let elements = format!("'Effect': 'Allow', 'Principal': '*', '{element}': {value}, {other}");
            let (code, _) = refused(Document::parse(&document(&format!("{{{elements}}}"))));
            assert_eq!(code, Code::MalformedPolicyDocumentException, "{element} {value}");
        }
    }
}

#[test]
fn k35_an_invalid_principal_is_named_as_such() {
    let invalid = [
        "'Alice'",
        "'arn:aws:iam::111122223333:user/Alice'",
        "{}",
        "[]",
        "['*']",
        "{'Federated': 'cognito-identity.amazonaws.com'}",
        "{'CanonicalUser': '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'}",
        "{'AWS': '11112222333'}",
        "{'AWS': '1111222233334'}",
        "{'AWS': 'AIDACKCEVSQ6C2EXAMPLE'}",
        "{'AWS': 'arn:aws:iam::111122223333:user/*'}",
        "{'AWS': 'arn:aws:iam::*:root'}",
        "{'AWS': 'arn:aws:iam::111122223333:group/Staff'}",
        "{'AWS': 'arn:aws:iam::111122223333:user/'}",
        "{'AWS': 'arn:aws:iam::111122223333:role'}",
        "{'AWS': 'arn:aws:iam:us-east-1:111122223333:user/Alice'}",
        "{'AWS': 'arn:aws:kms::111122223333:key/a'}",
        "{'AWS': 'arn:aws:sts::111122223333:assumed-role/Admin'}",
        "{'AWS': 'arn:aws:sts::111122223333:assumed-role/Admin/a/b'}",
        "{'AWS': ['*', 'nobody']}",
        "{'AWS': ''}",
        "{'Service': 'example.com'}",
        "{'Service': '*'}",
        "{'Service': '.amazonaws.com'}",
    ];
    for principal in invalid {
        let (code, said) = refused(Document::parse(&document(&statement("Allow", principal, "kms:*"))));
        assert_eq!(code, Code::MalformedPolicyDocumentException, "{principal}");
        assert_eq!(said, "Policy contains a statement with one or more invalid principals.", "{principal}");
    }
}

#[test]
fn every_form_of_a_statement_is_understood() {
    let forms = [
        "'Effect': 'Allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*'",
        "'Sid': 'with a space', 'Effect': 'Deny', 'NotPrincipal': {'AWS': '111122223333'}, 'NotAction': ['kms:*'], 'NotResource': ['*']",
        "'Effect': 'Allow', 'Principal': {'AWS': ['*', '111122223333'], 'Service': 's3.amazonaws.com'}, 'Action': '*', 'Resource': '*'",
        "'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws-cn:iam::111122223333:role/a/b'}, 'Action': 'kms:*', 'Resource': '*'",
        "'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:sts::111122223333:federated-user/eve'}, 'Action': 'kms:*', 'Resource': '*'",
        "'Effect': 'Allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*', 'Condition': {}",
        "'Effect': 'Allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*', 'Condition': {'Bool': {'aws:SecureTransport': true}}",
    ];
    for form in forms {
        let one = format!("{{'Id': 'x', 'Statement': {{{form}}}}}").replace('\'', "\"");
        Document::parse(&one).unwrap_or_else(|fault| panic!("{form}: {fault}"));
        Document::parse(&document(&format!("{{{form}}}, {{{form}}}"))).unwrap();
    }
}

#[test]
fn k96_a_key_policy_has_at_most_32_kilobytes() {
    let policy = document(&statement("Allow", &aws(ROOT), "kms:*"));
    let padded = |length: usize| format!("{policy}{}", " ".repeat(length - policy.len()));
    assert!(Document::parse(&padded(MAX_KEY_POLICY)).is_ok());
    let (code, _) = refused(Document::parse(&padded(MAX_KEY_POLICY + 1)));
    assert_eq!(code, Code::LimitExceededException);
}

#[test]
fn deep_nesting_is_malformed_and_no_more() {
    let text = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(refused(Document::parse(&text)).0, Code::MalformedPolicyDocumentException);
}

#[test]
fn an_identity_policy_has_no_principal_and_says_what_it_is_about() {
    let rows = [
        (
            "'Effect': 'Allow', 'Principal': '*', 'Action': 'kms:*', 'Resource': '*'",
            "should not specify a principal",
        ),
        ("'Effect': 'Allow', 'Resource': '*'", "must contain actions"),
        ("'Effect': 'Allow', 'Action': 'kms:*'", "must contain resources"),
        ("'Sid': 'with space', 'Effect': 'Allow', 'Action': 'kms:*', 'Resource': '*'", "alpha-numeric"),
    ];
    for (elements, message) in rows {
        let (code, said) = refused(Document::parse_identity(&document(&format!("{{{elements}}}"))));
        assert_eq!(code, Code::MalformedPolicyDocumentException);
        assert!(said.contains(message), "{elements}: {said}");
    }
    let named = "{'Sid': 'a', 'Effect': 'Allow', 'Action': 'kms:*', 'Resource': '*'}";
    assert!(Document::parse_identity(&document(named)).is_ok());
    let (_, said) = refused(Document::parse_identity(&document(&format!("{named}, {named}"))));
    assert!(said.contains("must be unique"), "{said}");
}
