//! Attributes as people and programs read them.

use crate::names;
use cloister::attribute::{AttributeType, Attributes, Value};
use cloister::mechanism::curves::Curve;
use cloister::mechanism::parameter_set::ParameterSet;
use cloister::object::schema;
use cryptoki_sys as ck;
use serde_json::{Map, Value as Json};

/// Numeric attributes with a table of names.
type Named = (AttributeType, &'static [(u64, &'static str, &'static str)]);
const NAMED: &[Named] = &[
    (ck::CKA_CLASS, names::CLASSES),
    (ck::CKA_KEY_TYPE, names::KEY_TYPES),
    (ck::CKA_CERTIFICATE_TYPE, names::CERTIFICATE_TYPES),
];

/// Numeric attributes that are mechanisms.
const MECHANISMS: &[AttributeType] = &[ck::CKA_KEY_GEN_MECHANISM];

/// Byte attributes that are texts (RFC 2279 and dates); all others are shown in hexadecimal.
const TEXTS: &[AttributeType] = &[
    ck::CKA_LABEL,
    ck::CKA_APPLICATION,
    ck::CKA_UNIQUE_ID,
    ck::CKA_URL,
    ck::CKA_START_DATE,
    ck::CKA_END_DATE,
];

/// The `CKA_` name, or the number.
pub fn attribute_name(kind: AttributeType) -> String {
    schema::name_of(kind).map_or_else(|| format!("{kind:#x}"), ToOwned::to_owned)
}

/// `CKA_LABEL` as text.
pub fn label(attributes: &Attributes) -> String {
    String::from_utf8_lossy(attributes.bytes(ck::CKA_LABEL).unwrap_or_default()).into_owned()
}

/// `CKA_ID` in hexadecimal.
pub fn id(attributes: &Attributes) -> String {
    hex::encode(attributes.bytes(ck::CKA_ID).unwrap_or_default())
}

/// The key's size as people say it: bits, the curve, or the parameter set.
pub fn size(attributes: &Attributes) -> Option<String> {
    if let Some(parameters) = attributes.bytes(ck::CKA_EC_PARAMS) {
        let curve = Curve::named(attributes.ulong(ck::CKA_KEY_TYPE)?, parameters).ok()?;
        return curve.names.first().map(|name| (*name).to_owned());
    }
    if attributes.contains(ck::CKA_PARAMETER_SET) {
        let set = ParameterSet::named(attributes.ulong(ck::CKA_KEY_TYPE)?, attributes).ok()?;
        return Some(set.name.to_string_lossy().into_owned());
    }
    let bits = attributes
        .ulong(ck::CKA_MODULUS_BITS)
        .or_else(|| attributes.bytes(ck::CKA_MODULUS).map(bit_length))
        .or_else(|| attributes.ulong(ck::CKA_VALUE_LEN).map(|bytes| bytes.saturating_mul(8)));
    bits.map(|bits| bits.to_string())
}

fn bit_length(number: &[u8]) -> u64 {
    let significant = number.iter().position(|byte| *byte != 0).map_or(&number[..0], |at| &number[at..]);
    let leading = significant.first().map_or(0, |byte| u64::from(byte.leading_zeros()));
    (significant.len() as u64).saturating_mul(8).saturating_sub(leading)
}

/// A value for people.
pub fn value(kind: AttributeType, value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Ulong(number) => number_text(kind, *number).unwrap_or_else(|| number.to_string()),
        Value::Bytes(bytes) => bytes_text(kind, bytes),
        Value::Mechanisms(numbers) => {
            numbers.iter().map(|number| names::mechanism(*number)).collect::<Vec<_>>().join(" ")
        }
        Value::Template(template) => {
            let one = |(kind, inner)| format!("{}={}", attribute_name(kind), self::value(kind, inner));
            template.iter().map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

/// All attributes for programs, by name.
pub fn json(attributes: &Attributes) -> Json {
    let one = |(kind, value)| (attribute_name(kind), json_value(kind, value));
    Json::Object(attributes.iter().map(one).collect::<Map<_, _>>())
}

fn json_value(kind: AttributeType, value: &Value) -> Json {
    match value {
        Value::Bool(yes) => Json::from(*yes),
        Value::Ulong(number) => number_text(kind, *number).map_or_else(|| Json::from(*number), Json::from),
        Value::Bytes(bytes) => Json::from(bytes_text(kind, bytes)),
        Value::Mechanisms(numbers) => numbers.iter().map(|number| names::mechanism(*number)).collect(),
        Value::Template(template) => json(template),
    }
}

/// The name behind a number, for attributes whose numbers have names.
fn number_text(kind: AttributeType, number: u64) -> Option<String> {
    // CK_UNAVAILABLE_INFORMATION: a key that was imported has no mechanism that made it.
    if number == ck::CK_UNAVAILABLE_INFORMATION {
        return Some("unavailable".to_owned());
    }
    if MECHANISMS.contains(&kind) {
        return Some(names::mechanism(number));
    }
    let table = NAMED.iter().find(|(named, _)| *named == kind)?.1;
    Some(names::name(table, number))
}

fn bytes_text(kind: AttributeType, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if TEXTS.contains(&kind) => text.to_owned(),
        _ => hex::encode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_people_say() {
        let rsa = |modulus: Vec<u8>| size(&Attributes::from_iter([(ck::CKA_MODULUS, modulus)]));
        assert_eq!(rsa([vec![0, 0x80], vec![0; 255]].concat()).as_deref(), Some("2048"));
        assert_eq!(rsa(vec![0x7f, 0xff]).as_deref(), Some("15"));
        assert_eq!(rsa(vec![]).as_deref(), Some("0"));
        assert_eq!(size(&Attributes::from_iter([(ck::CKA_VALUE_LEN, 32u64)])).as_deref(), Some("256"));
        assert_eq!(size(&Attributes::new()), None);
    }
}
