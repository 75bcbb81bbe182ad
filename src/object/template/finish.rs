//! A new object completed: what was made, what is left to defaults, and what only a token says.

use super::value::{check, check_relations, measure, measures_agree, same};
use super::{Defaults, Origin};
use crate::attribute::{Attributes, Value};
use crate::error::{Error, Result};
use crate::object::schema::{ByOrigin, Form, Initial, Row, form_of, note};
use cryptoki_sys as ck;

/// Completes a new object: `begun` from [`begin`](super::begin), `made` what the mechanism, the unwrapped key
/// or the derivation contributed; what such objects don't have is left out of it. All defaults and the
/// attributes that only a token sets are in the answer, but for `CKA_UNIQUE_ID`, and `CKA_CHECK_VALUE` and
/// `CKA_PUBLIC_KEY_INFO` of keys where neither template nor `made` has them.
///
/// A contradiction between `begun` and `made` is `TemplateInconsistent`, one of lengths of an unwrapped key
/// `WrappedKeyLenRange`, a wrong check value or public key info `AttributeValueInvalid`.
pub fn finish(origin: Origin, defaults: Defaults, begun: Attributes, made: Attributes) -> Result<Attributes> {
    let form = form_of(&begun)?;
    let mut object = merge(form, begun, made)?;
    check_value(origin, form, &object)?;
    object.reserve(form.rows().len());
    object.extend(left_out(form, origin, defaults, &object));
    record_history(origin, form, &mut object);
    if form.rows().any(|row| row.has(note::MUST_CREATE) && !object.contains(row.attribute)) {
        return Err(Error::TemplateIncomplete);
    }
    check_relations(form, &object)?;
    Ok(object)
}

/// `begun` and what of `made` belongs to the form.
fn merge(form: &Form, begun: Attributes, made: Attributes) -> Result<Attributes> {
    let mut object = begun;
    object.reserve(made.len());
    for (attribute, value) in made {
        if let Some(row) = form.row(attribute)
            && agreed(row, object.get(attribute), &value)?
        {
            object.set(attribute, value);
        }
    }
    Ok(object)
}

/// What nobody has given, with the values that the form and the token say.
fn left_out(form: &Form, origin: Origin, defaults: Defaults, object: &Attributes) -> Attributes {
    let mut left_out = Attributes::new();
    left_out.reserve(form.rows().len());
    // Both are in ascending order.
    let mut given = object.iter().map(|(attribute, _)| attribute).peekable();
    for row in form.rows() {
        while given.next_if(|given| *given < row.attribute).is_some() {}
        if given.peek() == Some(&row.attribute) {
            continue;
        }
        if let Some(value) = initial(row, form, origin, defaults, object) {
            left_out.set(row.attribute, value);
        }
    }
    left_out
}

/// Whether what was made is to be taken over what the template gave.
fn agreed(row: &Row, given: Option<&Value>, made: &Value) -> Result<bool> {
    let Some(given) = given else {
        return Ok(true);
    };
    let declined = *given == Value::from(Vec::new());
    match row {
        _ if same(row, given, made) || row.has(note::ENCODED) => Ok(true),
        _ if row.has(note::COMPUTED) && declined => Ok(false),
        _ if row.has(note::COMPUTED) => Err(Error::AttributeValueInvalid),
        _ => Err(Error::TemplateInconsistent),
    }
}

/// Checks the length of a secret key's value, which may come from outside.
fn check_value(origin: Origin, form: &Form, object: &Attributes) -> Result<()> {
    let good = match (form.row(ck::CKA_VALUE), object.get(ck::CKA_VALUE)) {
        (Some(row), Some(value)) => check(form, row, value),
        _ => Ok(()),
    };
    match origin {
        // Section 5.18.3: any conflict of lengths is the wrapped key's.
        Origin::Unwrap if good.is_err() || !measures_agree(form, object) => Err(Error::WrappedKeyLenRange),
        _ => good,
    }
}

/// The value of an attribute that nobody has given.
fn initial(row: &Row, form: &Form, origin: Origin, defaults: Defaults, object: &Attributes) -> Option<Value> {
    match row.initial {
        Initial::Absent => None,
        Initial::Empty => Some(Value::from(Vec::new())),
        Initial::Bool(value) => Some(value.into()),
        Initial::Ulong(value) => Some(value.into()),
        Initial::Usage => Some((defaults.usage && form.usage.contains(&row.attribute)).into()),
        Initial::Protection { token, session } => {
            let choice = if object.is_true(ck::CKA_TOKEN) { token } else { session };
            Some(choice.of(origin).into())
        }
        Initial::LengthOf(_) | Initial::BitsOf(_) => measure(row, object).map(Value::from),
    }
}

impl ByOrigin {
    fn of(self, origin: Origin) -> bool {
        match origin {
            Origin::Create => self.create,
            Origin::Generate(_) => self.generate,
            Origin::Unwrap => self.unwrap,
            Origin::Derive { .. } => self.derive,
        }
    }
}

/// Sets what tells where a key comes from and how well it has always been kept (sections 4.8, 4.10, 4.11 and
/// 5.18).
fn record_history(origin: Origin, form: &Form, object: &mut Attributes) {
    if let (Origin::Generate(mechanism), Some(_)) = (origin, form.row(ck::CKA_LOCAL)) {
        object.set(ck::CKA_LOCAL, true);
        object.set(ck::CKA_KEY_GEN_MECHANISM, mechanism);
    }
    if form.row(ck::CKA_ALWAYS_SENSITIVE).is_some() {
        let (always_sensitive, never_extractable) = match origin {
            Origin::Create | Origin::Unwrap => (false, false),
            Origin::Generate(_) => (true, true),
            Origin::Derive { always_sensitive, never_extractable } => (always_sensitive, never_extractable),
        };
        let sensitive = object.is_true(ck::CKA_SENSITIVE);
        let extractable = object.is_true(ck::CKA_EXTRACTABLE);
        object.set(ck::CKA_ALWAYS_SENSITIVE, always_sensitive && sensitive);
        object.set(ck::CKA_NEVER_EXTRACTABLE, never_extractable && !extractable);
    }
}
