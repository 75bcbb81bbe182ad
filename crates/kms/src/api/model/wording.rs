//! How the service words what a request breaks: where, the value unless it is sensitive, the constraint.

use std::fmt;

use serde_json::Value;

use super::shape::{Constraint, Shape};
use crate::api::error::{Code, Result};

/// The service names no more than this many violations in one answer.
const MOST: usize = 10;

/// Where a value stands, as a chain to the top: nothing is allocated before it has to be printed.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Top,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
    Key(&'a Place<'a>, &'a str),
}

/// Which part of a value breaks constraints.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Whole,
    Item,
    Key,
    Value,
}

/// A value, what it should be, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) shape: &'a Shape,
    pub(super) value: &'a Value,
    pub(super) place: Place<'a>,
}

/// What was found, as the service words it.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<String>);

/// The refusal that names all of `violations`.
pub(super) fn fault(violations: Violations) -> Result<()> {
    let Violations(found) = violations;
    let noun = match found.len() {
        0 => return Ok(()),
        1 => "error",
        _ => "errors",
    };
    let text = format!("{} validation {noun} detected: {}", found.len(), found.join("; "));
    Err(Code::ValidationException.because(text))
}

impl Violations {
    /// A value whose whole, or a part of which, breaks one of `constraints`.
    pub(super) fn add(&mut self, subject: Subject<'_>, part: Part, constraints: &[Constraint]) {
        let broken = constraints.iter().map(Constraint::to_string).collect::<Vec<_>>().join(", ");
        let broken = match part {
            Part::Whole => broken,
            Part::Item => format!("Member must satisfy constraint: [{broken}]"),
            Part::Key => format!("Map keys must satisfy constraint: [{broken}]"),
            Part::Value => format!("Map value must satisfy constraint: [{broken}]"),
        };
        let value =
            if subject.shape.is_shown() { format!("'{}' ", Shown(subject.value)) } else { String::new() };
        self.push(&value, subject.place, &broken);
    }

    /// A member that must be there is not.
    pub(super) fn missing(&mut self, shape: &Shape, place: Place<'_>) {
        let value = if shape.sensitive { "" } else { "null " };
        self.push(value, place, &Constraint::NotNull.to_string());
    }

    /// A member is there that the model does not have.
    pub(super) fn unknown(&mut self, place: Place<'_>) {
        self.push("", place, "Member must be one of the model");
    }

    fn push(&mut self, value: &str, place: Place<'_>, broken: &str) {
        if self.0.len() < MOST {
            self.0.push(format!("Value {value}at '{place}' failed to satisfy constraint: {broken}"));
        }
    }
}

impl fmt::Display for Place<'_> {
    /// Lower camel case members, lists by position from one: `tags.1.member.tagKey`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(Place::Top, name) => lower_camel(name, f),
            Self::Member(parent, name) => {
                write!(f, "{parent}.")?;
                lower_camel(name, f)
            }
            Self::Item(parent, index) => write!(f, "{parent}.{}.member", index.saturating_add(1)),
            Self::Key(parent, key) => write!(f, "{parent}.{key}.member"),
        }
    }
}

fn lower_camel(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = name.chars();
    if let Some(first) = rest.next() {
        write!(f, "{}", first.to_ascii_lowercase())?;
    }
    f.write_str(rest.as_str())
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongestLength(limit) => write!(f, "Member must have length less than or equal to {limit}"),
            Self::ShortestLength(limit) => {
                write!(f, "Member must have length greater than or equal to {limit}")
            }
            Self::LargestValue(limit) => write!(f, "Member must have value less than or equal to {limit}"),
            Self::SmallestValue(limit) => {
                write!(f, "Member must have value greater than or equal to {limit}")
            }
            Self::Pattern { source, .. } => {
                write!(f, "Member must satisfy regular expression pattern: {source}")
            }
            Self::OneOf(values) => write!(f, "Member must satisfy enum value set: [{}]", values.join(", ")),
            Self::NotNull => f.write_str("Member must not be null"),
        }
    }
}

/// A value as the service prints it: `text`, `[a, b]`, `{a=b}`. Only for shapes that may be shown, which are shallow.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            Value::Array(items) => {
                let items = items.iter().map(|item| Shown(item).to_string()).collect::<Vec<_>>();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{key}={}", Shown(value)));
                write!(f, "{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            other => write!(f, "{other}"),
        }
    }
}
