//! Attributes as they are encoded.
//!
//! The types encoded are this file's own, so that a change to the vocabulary can't change what is on disk or on the wire
//! unnoticed; and they nest only so deep, so that crafted bytes can't exhaust the stack.

use crate::attribute::{AttributeType, Attributes, Bytes, Value};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values of templates in templates of templates are the innermost.
type Outermost = Form<Form<Form<Innermost>>>;

/// A value, templates of which hold values of form `N`.
#[derive(Serialize, Deserialize)]
enum Form<N> {
    Bool(bool),
    Ulong(u64),
    Bytes(Bytes),
    Mechanisms(Vec<u64>),
    Template(Vec<(AttributeType, N)>),
}

/// A value that is no template.
#[derive(Serialize, Deserialize)]
enum Innermost {
    Bool(bool),
    Ulong(u64),
    Bytes(Bytes),
    Mechanisms(Vec<u64>),
}

/// One level of nesting.
trait Level: Sized + Serialize + DeserializeOwned {
    /// From a value; `None` if it nests too deep.
    fn from_value(value: &Value) -> Option<Self>;
    /// Back to a value; `None` if a template in it is not in order.
    fn into_value(self) -> Option<Value>;
}

impl Level for Innermost {
    fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Innermost::Bool(*value),
            Value::Ulong(value) => Innermost::Ulong(*value),
            Value::Bytes(value) => Innermost::Bytes(value.clone()),
            Value::Mechanisms(value) => Innermost::Mechanisms(value.clone()),
            Value::Template(_) => return None,
        })
    }

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
    fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Form::Bool(*value),
            Value::Ulong(value) => Form::Ulong(*value),
            Value::Bytes(value) => Form::Bytes(value.clone()),
            Value::Mechanisms(value) => Form::Mechanisms(value.clone()),
            Value::Template(value) => Form::Template(from_attributes(value)?),
        })
    }

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

fn from_attributes<N: Level>(attributes: &Attributes) -> Option<Vec<(AttributeType, N)>> {
    attributes.iter().map(|(kind, value)| Some((kind, N::from_value(value)?))).collect()
}

fn into_attributes<N: Level>(form: Vec<(AttributeType, N)>) -> Option<Attributes> {
    let in_order = form.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let attributes = form.into_iter().map(|(kind, value)| Some((kind, value.into_value()?)));
    if in_order { attributes.collect() } else { None }
}

const TOO_DEEP: &str = "templates nest too deep";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form: Outermost = Level::from_value(self).ok_or_else(|| S::Error::custom(TOO_DEEP))?;
        form.serialize(serializer)
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form: Vec<(AttributeType, Outermost)> =
            from_attributes(self).ok_or_else(|| S::Error::custom(TOO_DEEP))?;
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Vec::<(AttributeType, Outermost)>::deserialize(deserializer)?;
        into_attributes(form).ok_or_else(|| D::Error::custom("attributes are not in order"))
    }
}
