//! Condition operators: the table of their names, and how each compares (IAM guide, "Condition operators").

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pattern::{Case, Pattern, Reading, Variables};
use super::value::{ArnPattern, Network, boolean, date, number};

/// What kind of values an operator compares, and how.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Exact,
    IgnoreCase,
    Like,
    Arn,
    Bool,
    Number(Relation),
    Date(Relation),
    Ip,
    Binary,
    Null,
}

/// How the request's value must stand to the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Less => order.is_lt(),
            Relation::LessOrEqual => order.is_le(),
            Relation::Greater => order.is_gt(),
            Relation::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A row: the operator's name, how it compares, and whether it holds when the comparison doesn't.
pub(super) type Row = (&'static str, Family, bool);

/// Every operator as written without `...IfExists` and `For...Values:`.
pub(super) const OPERATORS: &[Row] = &[
    ("StringEquals", Family::Exact, false),
    ("StringNotEquals", Family::Exact, true),
    ("StringEqualsIgnoreCase", Family::IgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Family::IgnoreCase, true),
    ("StringLike", Family::Like, false),
    ("StringNotLike", Family::Like, true),
    // The two of ARNs are one: both know wildcards.
    ("ArnEquals", Family::Arn, false),
    ("ArnLike", Family::Arn, false),
    ("ArnNotEquals", Family::Arn, true),
    ("ArnNotLike", Family::Arn, true),
    ("Bool", Family::Bool, false),
    ("NumericEquals", Family::Number(Relation::Equal), false),
    ("NumericNotEquals", Family::Number(Relation::Equal), true),
    ("NumericLessThan", Family::Number(Relation::Less), false),
    ("NumericLessThanEquals", Family::Number(Relation::LessOrEqual), false),
    ("NumericGreaterThan", Family::Number(Relation::Greater), false),
    ("NumericGreaterThanEquals", Family::Number(Relation::GreaterOrEqual), false),
    ("DateEquals", Family::Date(Relation::Equal), false),
    ("DateNotEquals", Family::Date(Relation::Equal), true),
    ("DateLessThan", Family::Date(Relation::Less), false),
    ("DateLessThanEquals", Family::Date(Relation::LessOrEqual), false),
    ("DateGreaterThan", Family::Date(Relation::Greater), false),
    ("DateGreaterThanEquals", Family::Date(Relation::GreaterOrEqual), false),
    ("IpAddress", Family::Ip, false),
    ("NotIpAddress", Family::Ip, true),
    ("BinaryEquals", Family::Binary, false),
    ("Null", Family::Null, false),
];

/// A value that a policy compares with, compiled for its operator.
#[derive(Debug)]
pub(super) enum Operand {
    Text(Case, Pattern),
    Arn(ArnPattern),
    Bool(bool),
    Number(Relation, f64),
    Date(Relation, i128),
    Ip(Network),
    Binary(Vec<u8>),
    /// Whether the key must be absent.
    Null(bool),
}

impl Operand {
    /// Reads a value of the policy; `None` if it isn't one that `family` can compare with. `variables`: whether `${...}` is one.
    ///
    /// Only text and ARNs know variables (IAM guide, "Where you can use policy variables").
    pub(super) fn parse(family: Family, text: &str, variables: bool) -> Option<Self> {
        let pattern = |wildcards| Pattern::parse(text, Reading { wildcards, variables });
        Some(match family {
            Family::Exact => Operand::Text(Case::Matters, pattern(false)?),
            Family::IgnoreCase => Operand::Text(Case::Ignored, pattern(false)?),
            Family::Like => Operand::Text(Case::Matters, pattern(true)?),
            Family::Arn => Operand::Arn(ArnPattern::parse(text, variables)?),
            Family::Bool => Operand::Bool(boolean(text)?),
            Family::Number(relation) => Operand::Number(relation, number(text)?),
            Family::Date(relation) => Operand::Date(relation, date(text)?),
            Family::Ip => Operand::Ip(Network::parse(text)?),
            Family::Binary => Operand::Binary(STANDARD.decode(text).ok()?),
            Family::Null => Operand::Null(boolean(text)?),
        })
    }

    /// Whether the request's `value` compares. One that isn't of the operator's type never does.
    pub(super) fn matches(&self, value: &str, variables: &dyn Variables) -> bool {
        match self {
            Operand::Text(case, pattern) => pattern.matches(value, *case, variables),
            Operand::Arn(pattern) => pattern.matches(value, variables),
            Operand::Bool(expected) => boolean(value) == Some(*expected),
            Operand::Number(relation, bound) => {
                number(value).and_then(|value| value.partial_cmp(bound)).is_some_and(|o| relation.holds(o))
            }
            Operand::Date(relation, bound) => {
                date(value).is_some_and(|value| relation.holds(value.cmp(bound)))
            }
            Operand::Ip(network) => value.parse::<IpAddr>().is_ok_and(|address| network.contains(address)),
            Operand::Binary(expected) => STANDARD.decode(value).is_ok_and(|value| value == *expected),
            // A key that is there isn't absent; that it is missing, the condition itself sees.
            Operand::Null(absent) => !absent,
        }
    }
}
