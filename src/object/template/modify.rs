//! Objects changed and copied (sections 4.1.2 and 4.1.3).

use super::value::{check, check_relations, row_of};
use crate::attribute::{Attributes, Value};
use crate::error::{Error, Result};
use crate::object::schema::{Form, Initial, Notes, Row, form_of, note};
use crate::pin::Role;
use cryptoki_sys as ck;

/// The rows that `C_SetAttributeValue` may touch at all.
const CHANGEABLE: Notes =
    note::MODIFIABLE | note::OFFICER | note::ONCE_TRUE | note::ONCE_FALSE | note::CLEARS;

/// The rows in which a copy may differ at all.
const COPYABLE: Notes = CHANGEABLE | note::COPY | note::NARROWS;

/// Checks changes to an object with all its attributes `object` (`C_SetAttributeValue`) and answers the
/// object as it will be.
///
/// An officer changes nothing but `CKA_TRUSTED`, nobody else changes that. `ActionProhibited`: the object is
/// not modifiable. `AttributeReadOnly`: not to be changed, or not by this caller, or not in this direction.
pub fn change(role: Option<Role>, object: &Attributes, changes: &Attributes) -> Result<Attributes> {
    if object.bool(ck::CKA_MODIFIABLE) == Some(false) {
        return Err(Error::ActionProhibited);
    }
    let form = form_of(object)?;
    let mut changed = object.clone();
    for (attribute, value) in changes.iter() {
        let row = row_of(form, attribute)?;
        check(form, row, value)?;
        let officer = role == Some(Role::Officer);
        if !row.has(CHANGEABLE) || row.has(note::OFFICER) != officer {
            return Err(Error::AttributeReadOnly);
        }
        check_step(role, form, object, row, value)?;
        changed.set(attribute, value.clone());
    }
    check_relations(form, &changed)?;
    Ok(changed)
}

/// Checks a copy's template and answers the copy's attributes, all but `CKA_UNIQUE_ID` (`C_CopyObject`).
/// `object`: all attributes of the original.
///
/// The template may repeat what the original has, secrets apart. A copy is never kept less well than the
/// original: `AttributeReadOnly`, or `TemplateInconsistent` where a private object with a secret would become
/// public. `ActionProhibited`: the object is not copyable.
pub fn copy(role: Option<Role>, object: &Attributes, template: &Attributes) -> Result<Attributes> {
    if object.bool(ck::CKA_COPYABLE) == Some(false) {
        return Err(Error::ActionProhibited);
    }
    let form = form_of(object)?;
    let mut copied = object.clone();
    for (attribute, value) in template.iter() {
        let row = row_of(form, attribute)?;
        check(form, row, value)?;
        // Whether a secret is repeated rightly must not be told.
        if !row.has(note::SECRET) && object.get(attribute) == Some(value) {
            continue;
        }
        if !row.has(COPYABLE) {
            return Err(Error::AttributeReadOnly);
        }
        // Whatever an officer has said of a key stands for its copies too: a copy without the officer's trust
        // could learn what the trusted key must not.
        if row.has(note::OFFICER) && role != Some(Role::Officer) {
            return Err(Error::AttributeReadOnly);
        }
        check_step(role, form, object, row, value)?;
        copied.set(attribute, value.clone());
    }
    if is_exposed(object, &copied) {
        return Err(Error::TemplateInconsistent);
    }
    copied.remove(ck::CKA_UNIQUE_ID);
    check_relations(form, &copied)?;
    Ok(copied)
}

/// Whether a row allows the step from the object's value to `new`.
fn check_step(role: Option<Role>, form: &Form, object: &Attributes, row: &Row, new: &Value) -> Result<()> {
    let old = object.get(row.attribute);
    let is = |value: bool| old == Some(&Value::Bool(value)) && *new != Value::Bool(value);
    let closed = row.has(note::ONCE_TRUE) && is(true)
        || row.has(note::ONCE_FALSE) && is(false)
        || row.has(note::CLEARS) && *new != Value::from(Vec::new())
        || row.has(note::NARROWS) && !narrows(old, new)
        || is_trusted_beyond(role, form, object, row, new);
    if closed { Err(Error::AttributeReadOnly) } else { Ok(()) }
}

/// Whether a list has nothing that the old one lacks; no list allows everything.
fn narrows(old: Option<&Value>, new: &Value) -> bool {
    match (old, new) {
        (Some(Value::Mechanisms(old)), Value::Mechanisms(new)) => new.iter().all(|one| old.contains(one)),
        (None, Value::Mechanisms(_)) => true,
        _ => false,
    }
}

/// Whether a step would use an officer's trust for what the officer has not seen: trusted certificates don't
/// change (section 4.6.2), and a trusted wrapping key must not learn to decrypt what it wraps.
fn is_trusted_beyond(role: Option<Role>, form: &Form, object: &Attributes, row: &Row, new: &Value) -> bool {
    if role == Some(Role::Officer) || !object.is_true(ck::CKA_TRUSTED) {
        return false;
    }
    let certificate = form.class.number == ck::CKO_CERTIFICATE && row.has(CHANGEABLE);
    let new_use =
        row.initial == Initial::Usage && *new == Value::Bool(true) && !object.is_true(row.attribute);
    certificate || new_use
}

/// Whether a private object with a secret to keep has become public.
fn is_exposed(object: &Attributes, copy: &Attributes) -> bool {
    let keeps = object.ulong(ck::CKA_CLASS) == Some(ck::CKO_PRIVATE_KEY)
        || object.is_true(ck::CKA_SENSITIVE)
        || object.bool(ck::CKA_EXTRACTABLE) == Some(false);
    keeps && object.is_true(ck::CKA_PRIVATE) && !copy.is_true(ck::CKA_PRIVATE)
}
