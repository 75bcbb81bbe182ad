//! How typed values are read, at their edges.

use crate::policy::value::{ArnPattern, Network, date, number};

#[test]
fn dates_are_read_in_every_form_of_iso_8601_that_iam_knows() {
    let second = 1_000_000_000_i128;
    let rows: &[(&str, Option<i128>)] = &[
        ("1970", Some(0)),
        ("1970-02", Some(31 * 86_400 * second)),
        ("1970-01-02", Some(86_400 * second)),
        ("1970-01-01T00:01Z", Some(60 * second)),
        ("1970-01-01T00:00:01Z", Some(second)),
        ("1970-01-01T00:00:01.5Z", Some(1_500_000_000)),
        ("1970-01-01T01:00:00+01:00", Some(0)),
        ("1970-01-01T00:00:00-00:30", Some(1_800 * second)),
        ("86400", Some(86_400 * second)),
        ("1970-13-01", None),
        ("1970-02-30", None),
        ("1970-01-01-01", None),
        ("70-01-01", None),
        ("1970-1-1", None),
        ("1970-01-01T00:00:01", None),
        ("1970-01-01T24:00:00Z", None),
        ("1970-01-01T00:00:00:00Z", None),
        ("1970-01-01T00:00:00.1234567890Z", None),
        ("1970-01-01T00:00:00+99:99", None),
        ("1970-01-01T00:00:00.xZ", None),
        ("99999999999999999999999", None),
        ("+1970", None),
        ("é", None),
        ("", None),
    ];
    for (text, expected) in rows {
        assert_eq!(date(text), *expected, "{text}");
    }
}

#[test]
fn numbers_are_finite() {
    assert_eq!(number("-7.5"), Some(-7.5));
    for text in ["", "x", "inf", "NaN", "1e999"] {
        assert_eq!(number(text), None, "{text}");
    }
}

#[test]
fn networks_have_no_more_bits_than_their_addresses() {
    for text in ["10.0.0.0/32", "10.0.0.0/0", "::/128", "10.0.0.1"] {
        assert!(Network::parse(text).is_some(), "{text}");
    }
    for text in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "*", ""] {
        assert!(Network::parse(text).is_none(), "{text}");
    }
}

#[test]
fn arn_patterns_have_six_parts() {
    for text in
        ["*", "arn:aws:iam::1:a", "arn:*:*:*:*:*", "arn:aws:iam::${aws:PrincipalAccount}:${aws:userid}"]
    {
        assert!(ArnPattern::parse(text, true).is_some(), "{text}");
    }
    for text in ["", "arn:aws:iam", "arn:aws:iam::*", "nra:aws:iam::1:a", "arn:aws:iam::${aws:x:a"] {
        assert!(ArnPattern::parse(text, true).is_none(), "{text}");
    }
}
