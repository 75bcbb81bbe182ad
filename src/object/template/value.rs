//! What a value must be: by itself, and beside the others of its object.

use crate::attribute::{AttributeType, Attributes, Value};
use crate::error::{Error, Result};
use crate::object::schema::{self, Form, Initial, Kind, Row, note};
use cryptoki_sys as ck;

/// How deep templates may lie in templates.
const DEPTH: usize = 4;

/// The row of an attribute that a caller names. `AttributeTypeInvalid` if there is no such attribute at all,
/// `TemplateInconsistent` if it belongs to objects of another form (section 4.1.1).
pub(super) fn row_of(form: &Form, attribute: AttributeType) -> Result<&Row> {
    match form.row(attribute) {
        Some(row) => Ok(row),
        None if schema::kind_of(attribute).is_none() => Err(Error::AttributeTypeInvalid),
        None => Err(Error::TemplateInconsistent),
    }
}

/// `AttributeValueInvalid` unless `value` is one that the attribute of this row and form can have.
pub(super) fn check(form: &Form, row: &Row, value: &Value) -> Result<()> {
    check_kind(row.kind, value, DEPTH)?;
    if row.has(note::NOT_EMPTY) && is_nothing(row, value) {
        return Err(Error::AttributeValueInvalid);
    }
    if value_length(row, value).is_some_and(|length| !form.lengths.allow(length)) {
        return Err(Error::AttributeValueInvalid);
    }
    Ok(())
}

/// Checks that a value is of this kind, and so on into templates.
fn check_kind(kind: Kind, value: &Value, depth: usize) -> Result<()> {
    let good = match (kind, value) {
        (Kind::Bool, Value::Bool(_)) | (Kind::Ulong, Value::Ulong(_)) => true,
        (Kind::Bytes, Value::Bytes(_)) | (Kind::Mechanisms, Value::Mechanisms(_)) => true,
        (Kind::Date, Value::Bytes(date)) => date.is_empty() || is_date(date),
        (Kind::Template, Value::Template(template)) if depth > 0 => {
            return template.iter().try_for_each(|(inner, value)| {
                let kind = schema::kind_of(inner).ok_or(Error::AttributeTypeInvalid)?;
                check_kind(kind, value, depth - 1)
            });
        }
        _ => false,
    };
    if good { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}

/// Whether a value says nothing: no bytes, or zero.
fn is_nothing(row: &Row, value: &Value) -> bool {
    match value {
        Value::Bytes(bytes) if row.has(note::BIG_INTEGER) => bits(bytes) == 0,
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Ulong(number) => *number == 0,
        _ => false,
    }
}

/// The length of `CKA_VALUE` that a value has, or announces as `CKA_VALUE_LEN`.
fn value_length(row: &Row, value: &Value) -> Option<u64> {
    match (row.initial, value) {
        (Initial::LengthOf(ck::CKA_VALUE), Value::Ulong(length)) => Some(*length),
        (_, Value::Bytes(bytes)) if row.attribute == ck::CKA_VALUE => Some(bytes.len() as u64),
        _ => None,
    }
}

/// Whether 8 bytes are a `CK_DATE`: year, month and day of the Gregorian calendar in decimal digits.
fn is_date(date: &[u8]) -> bool {
    if date.len() != 8 || !date.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |digits: &[u8]| digits.iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(&date[..4]), number(&date[4..6]), number(&date[6..]));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = match month {
        2 if leap => 29,
        1..=12 => DAYS[month as usize - 1],
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Checks what must hold between attributes that are there: `TemplateInconsistent` where it does not,
/// `TemplateIncomplete` where one of them asks for another.
pub(super) fn check_relations(form: &Form, object: &Attributes) -> Result<()> {
    if !measures_agree(form.rows().filter(|row| is_measuring(row)), |kind| object.get(kind)) {
        return Err(Error::TemplateInconsistent);
    }
    // Section 4.10: re-authentication makes sense only for what needs a login in the first place.
    if object.is_true(ck::CKA_ALWAYS_AUTHENTICATE) && object.bool(ck::CKA_PRIVATE) == Some(false) {
        return Err(Error::TemplateInconsistent);
    }
    let date = |kind| object.bytes(kind).filter(|date| !date.is_empty());
    if let (Some(start), Some(end)) = (date(ck::CKA_START_DATE), date(ck::CKA_END_DATE))
        && start > end
    {
        return Err(Error::TemplateInconsistent);
    }
    check_trust(form, object)?;
    check_reference(form, object)
}

/// Section 4.7: whoever trusts a certificate, or wants its trust verified, says which one by its hash.
fn check_trust(form: &Form, object: &Attributes) -> Result<()> {
    if form.class.number != ck::CKO_TRUST {
        return Ok(());
    }
    const UNKNOWN: Initial = Initial::Ulong(ck::CKT_TRUST_UNKNOWN as u64);
    let trusts = form.rows().filter(|row| row.initial == UNKNOWN);
    let mut named = false;
    for trust in trusts.filter_map(|row| object.ulong(row.attribute)) {
        named |= match u32::try_from(trust) {
            Ok(ck::CKT_TRUST_UNKNOWN | ck::CKT_NOT_TRUSTED) => false,
            Ok(ck::CKT_TRUSTED | ck::CKT_TRUST_ANCHOR | ck::CKT_TRUST_MUST_VERIFY_TRUST) => true,
            _ => return Err(Error::AttributeValueInvalid),
        };
    }
    let hashed = object.bytes(ck::CKA_HASH_OF_CERTIFICATE).is_some_and(|hash| !hash.is_empty());
    if named && !hashed { Err(Error::TemplateIncomplete) } else { Ok(()) }
}

/// Section 4.6.3: a certificate is here or at a URL; one at a URL is known by the hashes of its keys.
fn check_reference(form: &Form, object: &Attributes) -> Result<()> {
    if form.row(ck::CKA_URL).is_none() {
        return Ok(());
    }
    let empty = |kind| object.bytes(kind).is_none_or(<[u8]>::is_empty);
    let hashed = !empty(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY) && !empty(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY);
    let complete = if empty(ck::CKA_URL) { !empty(ck::CKA_VALUE) } else { hashed };
    if complete { Ok(()) } else { Err(Error::TemplateIncomplete) }
}

/// Whether the row's attribute measures another.
pub(super) fn is_measuring(row: &Row) -> bool {
    matches!(row.initial, Initial::LengthOf(_) | Initial::BitsOf(_))
}

/// Whether each attribute of these rows, which measure others, has the other's measure, where both are there.
pub(super) fn measures_agree<'a>(
    mut rows: impl Iterator<Item = &'a Row>,
    value: impl Fn(AttributeType) -> Option<&'a Value>,
) -> bool {
    rows.all(|row| match (value(row.attribute), measure(row, &value)) {
        (Some(Value::Ulong(given)), Some(measured)) => *given == measured,
        _ => true,
    })
}

/// The value of an attribute that measures another, if that one is there.
pub(super) fn measure<'a>(row: &Row, value: impl Fn(AttributeType) -> Option<&'a Value>) -> Option<u64> {
    let bytes = |kind| match value(kind) {
        Some(Value::Bytes(bytes)) => Some(&bytes[..]),
        _ => None,
    };
    match row.initial {
        Initial::LengthOf(of) => bytes(of).map(|bytes| bytes.len() as u64),
        Initial::BitsOf(of) => bytes(of).map(bits),
        _ => None,
    }
}

/// Whether two values of a row's attribute mean the same.
pub(super) fn same(row: &Row, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Bytes(one), Value::Bytes(other)) if row.has(note::BIG_INTEGER) => {
            digits(one) == digits(other)
        }
        _ => one == other,
    }
}

/// Bits of a big integer.
fn bits(number: &[u8]) -> u64 {
    let digits = digits(number);
    let top = digits.first().map_or(0, |first| u64::from(first.leading_zeros()));
    digits.len() as u64 * 8 - top
}

/// A big integer without the zero bytes in front.
fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for good in ["20240229", "20000229", "20261231", "00010101"] {
            assert!(is_date(good.as_bytes()), "{good}");
        }
        for bad in
            ["20230229", "19000229", "20241301", "20240001", "20240100", "20240431", "2024011", "2024-1-1"]
        {
            assert!(!is_date(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_one() {
        for (number, expected) in
            [(&[][..], 0), (&[0, 0], 0), (&[1], 1), (&[0, 0x80], 8), (&[1, 0], 9), (&[0xff; 256], 2048)]
        {
            assert_eq!(bits(number), expected, "{number:?}");
        }
    }
}
