//! Attributes as they are encoded.
//!
//! The types encoded are this file's own, so that a change to the vocabulary can't change what is on disk or on the wire
//! unnoticed; and they nest only so deep, so that crafted bytes can't exhaust the stack.

use crate::attribute::{AttributeType, Attributes, Bytes, Value};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How deep templates nest at most.
const DEPTH: usize = 3;

/// Values of templates in templates of templates are the innermost.
type Outermost = Form<Form<Form<Innermost>>>;

/// A value that was read, templates of which hold values of form `N`. [`Written`] is the other way.
#[derive(Deserialize)]
enum Form<N> {
    Bool(bool),
    Ulong(u64),
    Bytes(Bytes),
    Mechanisms(Vec<u64>),
    Template(Vec<(AttributeType, N)>),
}

/// A value that is no template.
#[derive(Deserialize)]
enum Innermost {
    Bool(bool),
    Ulong(u64),
    Bytes(Bytes),
    Mechanisms(Vec<u64>),
}

/// One level of nesting.
trait Level: Sized + DeserializeOwned {
    /// The value; `None` if a template in it is not in order.
    fn into_value(self) -> Option<Value>;
}

impl Level for Innermost {
    fn into_value(self) -> Option<Value> {
        Some(match self {
            Innermost::Bool(value) => Value::Bool(value),
            Innermost::Ulong(value) => Value::Ulong(value),
            Innermost::Bytes(value) => Value::Bytes(value),
            Innermost::Mechanisms(value) => Value::Mechanisms(value),
        })
    }
}

impl<N: Level> Level for Form<N> {
    fn into_value(self) -> Option<Value> {
        Some(match self {
            Form::Bool(value) => Value::Bool(value),
            Form::Ulong(value) => Value::Ulong(value),
            Form::Bytes(value) => Value::Bytes(value),
            Form::Mechanisms(value) => Value::Mechanisms(value),
            Form::Template(value) => Value::Template(into_attributes(value)?),
        })
    }
}

fn into_attributes<N: Level>(form: Vec<(AttributeType, N)>) -> Option<Attributes> {
    let in_order = form.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let attributes = form.into_iter().map(|(kind, value)| Some((kind, value.into_value()?)));
    if in_order { attributes.collect() } else { None }
}

/// A value as it is written, in which templates may nest so deep.
struct Written<'a>(&'a Value, usize);

impl Serialize for Written<'_> {
    /// By the numbers and names of [`Form`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Written(value, depth) = *self;
        match value {
            Value::Bool(value) => serializer.serialize_newtype_variant("Form", 0, "Bool", value),
            Value::Ulong(value) => serializer.serialize_newtype_variant("Form", 1, "Ulong", value),
            Value::Bytes(value) => serializer.serialize_newtype_variant("Form", 2, "Bytes", value),
            Value::Mechanisms(value) => serializer.serialize_newtype_variant("Form", 3, "Mechanisms", value),
            Value::Template(value) => {
                let depth =
                    depth.checked_sub(1).ok_or_else(|| S::Error::custom("templates nest too deep"))?;
                serializer.serialize_newtype_variant("Form", 4, "Template", &WrittenAll(value, depth))
            }
        }
    }
}

/// Attributes as they are written, in whose values templates may nest so deep.
struct WrittenAll<'a>(&'a Attributes, usize);

impl Serialize for WrittenAll<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let WrittenAll(attributes, depth) = *self;
        serializer.collect_seq(attributes.iter().map(|(kind, value)| (kind, Written(value, depth))))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(self, DEPTH).serialize(serializer)
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenAll(self, DEPTH).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Vec::<(AttributeType, Outermost)>::deserialize(deserializer)?;
        into_attributes(form).ok_or_else(|| D::Error::custom("attributes are not in order"))
    }
}
