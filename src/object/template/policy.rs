//! What a key demands of the keys it makes, the keys it wraps, the mechanisms it serves, and the day.

use super::begin::unite;
use super::matches;
use crate::attribute::{Attributes, Value};
use crate::error::Result;
use cryptoki_sys as ck;
use std::borrow::Cow;

/// The template of a key to be unwrapped or derived, with what the unwrapping or base key's
/// `CKA_UNWRAP_TEMPLATE` or `CKA_DERIVE_TEMPLATE` (`template_of_key`) adds to it. `TemplateInconsistent` if
/// they contradict each other (section 5.18, `C_UnwrapKey` and `C_DeriveKey`).
pub fn impose<'a>(
    template_of_key: &Attributes,
    template: Cow<'a, Attributes>,
) -> Result<Cow<'a, Attributes>> {
    if template_of_key.iter().all(|(attribute, value)| template.get(attribute) == Some(value)) {
        return Ok(template);
    }
    unite(template_of_key, &template).map(Cow::Owned)
}

/// Whether a key may be wrapped by one with this `CKA_WRAP_TEMPLATE`: it matches all of it, by the rules of a
/// search (section 5.18, `C_WrapKey`).
pub fn satisfies(template_of_key: &Attributes, key_attributes: &Attributes) -> bool {
    matches(key_attributes, template_of_key)
}

/// Whether a key's `CKA_ALLOWED_MECHANISMS` has `mechanism` (`CKM_`); without a list, all are allowed.
pub fn allows(attributes: &Attributes, mechanism: u64) -> bool {
    match attributes.get(ck::CKA_ALLOWED_MECHANISMS) {
        Some(Value::Mechanisms(allowed)) => allowed.contains(&mechanism),
        _ => true,
    }
}

/// Whether `today` (`YYYYMMDD`) lies between `CKA_START_DATE` and `CKA_END_DATE`, both included; an empty or
/// missing one is no limit.
pub fn in_validity(attributes: &Attributes, today: &str) -> bool {
    let date = |kind| attributes.bytes(kind).filter(|date| !date.is_empty());
    let started = date(ck::CKA_START_DATE).is_none_or(|start| start <= today.as_bytes());
    let ended = date(ck::CKA_END_DATE).is_some_and(|end| end < today.as_bytes());
    started && !ended
}
