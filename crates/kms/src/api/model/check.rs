//! Walks a value along its shape and notes what it breaks.

use serde_json::{Map, Value};

use super::base64_length::decoded_length;
use super::shape::{Constraint, Kind, Member, Reading, Scalar, Shape};
use super::wording::{Part, Place, Subject, Violations};
use crate::api::error::{Code, Fault, Result};

/// What to do about members that the model does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Ignored,
    Refused,
}

/// Everything that `value` breaks of what `shape` demands; nothing is allocated if that is nothing.
///
/// # Errors
/// `SerializationException` for the first value of a wrong type.
pub(super) fn check(shape: &Shape, value: &Value, unknown: Unknown) -> Result<Violations> {
    if !value.is_object() && !value.is_array() {
        // The service has no words for a body that is neither.
        return Err(Code::SerializationException.because(""));
    }
    let mut walk = Walk { unknown, found: Violations::default() };
    walk.value(shape, value, Place::Top)?;
    Ok(walk.found)
}

struct Walk {
    unknown: Unknown,
    found: Violations,
}

impl Walk {
    fn value(&mut self, shape: &Shape, value: &Value, place: Place<'_>) -> Result<()> {
        let whole = Subject { shape, value, place };
        let size = match (&shape.kind, value) {
            (Kind::Structure(members), Value::Object(entries)) => {
                return self.structure(members, entries, place);
            }
            (Kind::List(item), Value::Array(items)) => {
                let items_at =
                    items.iter().enumerate().map(|(index, each)| (Place::Item(&place, index), each));
                self.parts(Part::Item, item, items_at, whole)?;
                items.len()
            }
            (Kind::Map { key, value: part }, Value::Object(entries)) => {
                let values_at = entries.iter().map(|(name, each)| (Place::Key(&place, name), each));
                self.parts(Part::Value, part, values_at, whole)?;
                self.keys(key, entries, whole);
                entries.len()
            }
            (Kind::Scalar(scalar), _) => {
                self.judge(whole, read(*scalar, value)?);
                return Ok(());
            }
            (kind, _) => return Err(wrong_type(kind, value)),
        };
        self.judge(whole, Reading { size: wide(size), text: "" });
        Ok(())
    }

    fn structure(
        &mut self,
        members: &[Member],
        entries: &Map<String, Value>,
        place: Place<'_>,
    ) -> Result<()> {
        for member in members {
            let at = Place::Member(&place, &member.name);
            match entries.get(&*member.name) {
                Some(value) if !value.is_null() => self.value(&member.shape, value, at)?,
                _ if member.required => self.found.missing(&member.shape, at),
                _ => {}
            }
        }
        if self.unknown == Unknown::Refused {
            let is_known = |name: &str| members.binary_search_by(|member| (*member.name).cmp(name)).is_ok();
            for name in entries.keys().filter(|name| !is_known(name)) {
                self.found.unknown(Place::Member(&place, name));
            }
        }
        Ok(())
    }

    /// The entries of a list or the values of a map. What is composed of others is judged at its own place; for simple
    /// values, the service names the whole list or map, once, with all that it demands of each.
    fn parts<'v, 'p>(
        &mut self,
        part: Part,
        shape: &Shape,
        parts: impl Iterator<Item = (Place<'p>, &'v Value)>,
        whole: Subject<'_>,
    ) -> Result<()> {
        let mut broken = false;
        let mut null = false;
        for (at, value) in parts {
            match shape.kind {
                _ if value.is_null() => null = true,
                Kind::Scalar(scalar) => {
                    broken |= !shape.accepts(read(scalar, value)?);
                }
                _ => self.value(shape, value, at)?,
            }
        }
        if broken {
            self.found.add(whole, part, &shape.constraints);
        }
        if null {
            self.found.add(whole, part, &[Constraint::NotNull]);
        }
        Ok(())
    }

    fn keys(&mut self, shape: &Shape, entries: &Map<String, Value>, whole: Subject<'_>) {
        if !entries.keys().all(|name| shape.accepts(read_text(name))) {
            self.found.add(whole, Part::Key, &shape.constraints);
        }
    }

    fn judge(&mut self, whole: Subject<'_>, reading: Reading<'_>) {
        for constraint in whole.shape.constraints.iter().filter(|constraint| !constraint.is_met_by(reading)) {
            self.found.add(whole, Part::Whole, std::slice::from_ref(constraint));
        }
    }
}

/// The value as constraints see it.
fn read(scalar: Scalar, value: &Value) -> Result<Reading<'_>> {
    let reading = match (scalar, value) {
        (Scalar::Text, Value::String(text)) => Some(read_text(text)),
        (Scalar::Blob, Value::String(text)) => {
            decoded_length(text).map(|length| Reading { size: wide(length), text: "" })
        }
        (Scalar::Integer | Scalar::Long, Value::Number(number)) => {
            number.as_i128().map(|size| Reading { size, text: "" })
        }
        (Scalar::Boolean, Value::Bool(_)) | (Scalar::Timestamp, Value::Number(_)) => Some(Reading::default()),
        _ => None,
    };
    reading.ok_or_else(|| wrong_type(&Kind::Scalar(scalar), value))
}

fn read_text(text: &str) -> Reading<'_> {
    Reading { size: wide(text.chars().count()), text }
}

fn wide(length: usize) -> i128 {
    // A length is far below the limit of the wider type.
    i128::try_from(length).unwrap_or(i128::MAX)
}

/// The service's words for a value that its JSON reader cannot make into the type. They never hold the value.
fn wrong_type(kind: &Kind, value: &Value) -> Fault {
    let token = match value {
        Value::Array(_) => {
            return Code::SerializationException.because("Start of list found where not expected");
        }
        Value::Object(_) => {
            return Code::SerializationException
                .because("Start of structure or map found where not expected.");
        }
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
    };
    let wanted = match kind {
        Kind::Structure(_) => return Code::SerializationException.because("Expected null"),
        Kind::List(_) => return Code::SerializationException.because("Expected list or null"),
        Kind::Map { .. } => return Code::SerializationException.because("Expected map or null"),
        Kind::Scalar(Scalar::Blob) => "a Blob",
        Kind::Scalar(Scalar::Boolean) => "a Boolean",
        Kind::Scalar(Scalar::Integer) => "an Integer",
        Kind::Scalar(Scalar::Long) => "a Long",
        Kind::Scalar(Scalar::Text) => "a String",
        Kind::Scalar(Scalar::Timestamp) => "milliseconds since epoch",
    };
    Code::SerializationException.because(format!("{token} can not be converted to {wanted}"))
}
