//! Attributes as bytes: the only place that knows the encoding (bincode 1.3, fixed-width little-endian integers).
//!
//! The first byte is the version of the encoding. The types encoded are this file's own, so that a change to the vocabulary
//! can't change what is on disk unnoticed; and they nest only so deep, so that a crafted record can't exhaust the stack.

use crate::attribute::{AttributeType, Attributes, Bytes, Value};
use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Version of the encoding.
const VERSION: u8 = 1;

/// Most bytes of one encoded half of a record.
const LIMIT: u64 = 16 << 20;

/// The attributes can't be encoded: too many bytes, or templates nested too deep.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// An object's attributes; values of templates in templates of templates are the innermost.
type Outermost = Vec<(AttributeType, Form<Form<Form<Innermost>>>)>;

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

/// Encodes attributes; the bytes may be secret.
pub(super) fn encode(attributes: &Attributes) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    let form: Outermost = from_attributes(attributes).ok_or(TooLarge)?;
    write(&form)
}

/// Encodes one value, for its tag.
pub(super) fn encode_value(value: &Value) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    let form: Form<Form<Form<Innermost>>> = Level::from_value(value).ok_or(TooLarge)?;
    write(&form)
}

/// Decodes attributes; `None` for bytes that [`encode`] can't have made.
pub(super) fn decode(bytes: &[u8]) -> Option<Attributes> {
    let (version, body) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let form: Outermost = options().deserialize(body).ok()?;
    into_attributes(form)
}

fn write(form: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, TooLarge> {
    let size = options().serialized_size(form).map_err(|_| TooLarge)?;
    // All room at once: a vector that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    bytes.push(VERSION);
    options().serialize_into(&mut *bytes, form).map_err(|_| TooLarge)?;
    Ok(bytes)
}

fn from_attributes<N: Level>(attributes: &Attributes) -> Option<Vec<(AttributeType, N)>> {
    attributes.iter().map(|(kind, value)| Some((kind, N::from_value(value)?))).collect()
}

fn into_attributes<N: Level>(form: Vec<(AttributeType, N)>) -> Option<Attributes> {
    let in_order = form.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let attributes = form.into_iter().map(|(kind, value)| Some((kind, value.into_value()?)));
    if in_order { attributes.collect() } else { None }
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes().with_limit(LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Attributes {
        let mut attributes = Attributes::from_iter([(1, true)]);
        for _ in 0..depth {
            let mut outer = Attributes::new();
            outer.set(2, Value::Template(attributes));
            attributes = outer;
        }
        attributes
    }

    #[test]
    fn every_kind_of_value_comes_back() {
        let mut attributes = nested(3);
        attributes.set(3, 7u64);
        attributes.set(4, vec![1u8, 2, 3]);
        attributes.set(5, Value::Mechanisms(vec![1, u64::MAX]));
        assert_eq!(decode(&encode(&attributes).unwrap()), Some(attributes));
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let attributes = Attributes::from_iter([(0x102, Value::from(&b"ab"[..]))]);
        let expected = "01 0100000000000000 0201000000000000 02000000 0200000000000000 6162".replace(' ', "");
        assert_eq!(hex::encode(&*encode(&attributes).unwrap()), expected);
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        assert_eq!(encode(&nested(4)), Err(TooLarge));
        let large = Attributes::from_iter([(1, vec![0u8; LIMIT as usize])]);
        assert_eq!(encode(&large), Err(TooLarge));
    }

    #[test]
    fn bytes_that_are_no_record_are_refused() {
        let good = encode(&Attributes::from_iter([(1, 1u64), (2, 2)])).unwrap();
        assert!(decode(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length]), None, "cut to {length} bytes");
        }
        let mut longer = good.to_vec();
        longer.push(0);
        assert_eq!(decode(&longer), None, "a byte too many");
        let mut repeated = good.to_vec();
        repeated[9] = 2; // the first type
        assert_eq!(decode(&repeated), None, "a type twice");
        let mut huge = good.to_vec();
        huge[1..9].fill(0xff); // the count
        assert_eq!(decode(&huge), None, "more attributes than bytes");
    }
}
