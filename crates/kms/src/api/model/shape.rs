//! What the model says of one value: its type, and the constraints that it must satisfy.

use std::sync::Arc;

use regex::Regex;

/// A shape of the model. Shapes never contain themselves, so that walking a value is as deep as its shape, not as the input.
#[derive(Debug)]
pub struct Shape {
    pub(super) kind: Kind,
    /// Values are kept out of every message.
    pub(super) sensitive: bool,
    /// In the order in which the service names them.
    pub(super) constraints: Box<[Constraint]>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Sorted by name.
    Structure(Box<[Member]>),
    List(Arc<Shape>),
    Map {
        key: Arc<Shape>,
        value: Arc<Shape>,
    },
    Scalar(Scalar),
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Box<str>,
    pub(super) required: bool,
    pub(super) shape: Arc<Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Blob,
    Boolean,
    Integer,
    Long,
    Text,
    /// Seconds since 1970, with fractions.
    Timestamp,
}

/// What a value must satisfy beyond its type. Lengths are characters of texts, decoded bytes of blobs, entries of lists
/// and maps.
#[derive(Debug)]
pub(super) enum Constraint {
    LongestLength(i128),
    ShortestLength(i128),
    LargestValue(i128),
    SmallestValue(i128),
    Pattern {
        /// As the service prints it.
        source: Box<str>,
        /// Matches whole texts only.
        regex: Regex,
    },
    OneOf(Box<[Box<str>]>),
    NotNull,
}

/// What constraints see of a value: its size (a length, or the number itself), and its text if it is one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading<'a> {
    pub(super) size: i128,
    pub(super) text: &'a str,
}

impl Constraint {
    pub(super) fn is_met_by(&self, reading: Reading<'_>) -> bool {
        match self {
            Self::LongestLength(limit) | Self::LargestValue(limit) => reading.size <= *limit,
            Self::ShortestLength(limit) | Self::SmallestValue(limit) => reading.size >= *limit,
            Self::Pattern { regex, .. } => regex.is_match(reading.text),
            Self::OneOf(values) => values.iter().any(|value| **value == *reading.text),
            Self::NotNull => true,
        }
    }
}

impl Shape {
    /// Whether a value of the right type satisfies everything.
    pub(super) fn accepts(&self, reading: Reading<'_>) -> bool {
        self.constraints.iter().all(|constraint| constraint.is_met_by(reading))
    }

    /// Whether messages may show values of this shape: blobs never are, nor what holds something that is not.
    pub(super) fn is_shown(&self) -> bool {
        !self.sensitive
            && match &self.kind {
                Kind::Structure(_) | Kind::Scalar(Scalar::Blob) => false,
                Kind::List(item) => item.is_shown(),
                Kind::Map { key, value } => key.is_shown() && value.is_shown(),
                Kind::Scalar(_) => true,
            }
    }
}
