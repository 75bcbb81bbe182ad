//! The template of a new object, before anything is computed (section 4.1.1).

use super::Origin;
use super::value::{check, check_relations, row_of};
use crate::attribute::{Attributes, Value};
use crate::error::{Error, Result};
use crate::object::schema::{Class, Form, Notes, Row, form_of, is_usage, note};
use crate::pin::Role;
use cryptoki_sys as ck;

/// Checks a caller's template for a new object before anything is computed. `role`: who asks. `base`: what the
/// function or mechanism fixes; the template may repeat but not contradict it (`TemplateInconsistent`). The answer is
/// the template with that added.
///
/// `AttributeTypeInvalid`: no such attribute. `TemplateInconsistent`: one of other objects, or in
/// contradiction to another. `AttributeReadOnly`: not the caller's to give here. `AttributeValueInvalid`: a
/// value that cannot be. `TemplateIncomplete`: one is missing.
pub(super) fn begin(
    origin: Origin,
    role: Option<Role>,
    base: &Attributes,
    template: &Attributes,
) -> Result<Attributes> {
    let begun = origin.assume(unite(base, template)?);
    let form = form_of(&begun)?;
    let begun = if origin == Origin::Unwrap { without_foreign_usage(form, begun) } else { begun };
    if !origin.makes(form.class) {
        return Err(Error::TemplateInconsistent);
    }
    for (attribute, value) in begun.iter() {
        let row = row_of(form, attribute)?;
        if row.has(origin.forbids()) && !base.contains(attribute) {
            return Err(Error::AttributeReadOnly);
        }
        check(form, row, value)?;
        check_role(role, row, value)?;
    }
    let missing = |row: &Row| row.has(origin.demands()) && !begun.contains(row.attribute);
    if form.rows().any(missing) {
        return Err(Error::TemplateIncomplete);
    }
    check_relations(form, &begun)?;
    Ok(begun)
}

/// How many attributes [`Origin::assume`] adds at most.
const ASSUMED: usize = 2;

/// Without the usage flags that objects of this form don't have. Clients that unwrap a private key speak of what the
/// pair can do (python-pkcs11 says `CKA_ENCRYPT`, `CKA_VERIFY` and `CKA_WRAP` always): the other half's flags say
/// nothing of this one.
fn without_foreign_usage(form: &Form, template: Attributes) -> Attributes {
    template.partition(|attribute| form.row(attribute).is_some() || !is_usage(attribute)).0
}

/// Both, which must agree where both have an attribute.
pub(super) fn unite(fixed: &Attributes, template: &Attributes) -> Result<Attributes> {
    let mut united = template.copy_with_room(fixed.len() + ASSUMED);
    for (attribute, value) in fixed.iter() {
        if !united.agree(attribute, value.clone()) {
            return Err(Error::TemplateInconsistent);
        }
    }
    Ok(united)
}

/// Footnote 10: only an officer makes an object trusted.
pub(super) fn check_role(role: Option<Role>, row: &Row, value: &Value) -> Result<()> {
    if row.has(note::OFFICER) && *value == Value::Bool(true) && role != Some(Role::Officer) {
        return Err(Error::AttributeReadOnly);
    }
    Ok(())
}

impl Origin {
    /// The footnote that says an attribute must be given.
    fn demands(self) -> Notes {
        match self {
            Origin::Create => note::MUST_CREATE,
            Origin::Generate(_) => note::MUST_GENERATE,
            Origin::Unwrap => note::MUST_UNWRAP,
            Origin::Derive { .. } => 0,
        }
    }

    /// The footnote that says it must not.
    fn forbids(self) -> Notes {
        match self {
            Origin::Create => note::NOT_CREATE,
            Origin::Generate(_) => note::NOT_GENERATE,
            Origin::Unwrap | Origin::Derive { .. } => note::NOT_UNWRAP,
        }
    }

    /// Whether objects of this class come to be so.
    fn makes(self, class: &Class) -> bool {
        match self {
            Origin::Create => true,
            Origin::Generate(_) => class.made_by.generate,
            Origin::Unwrap => class.made_by.unwrap,
            Origin::Derive { .. } => class.made_by.derive,
        }
    }

    /// What a derived key is where its template does not say: derivations that don't fix a key type make
    /// generic secrets (section 6.43).
    fn assume(self, mut begun: Attributes) -> Attributes {
        if let Origin::Derive { .. } = self {
            begun.set_default(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
            if begun.ulong(ck::CKA_CLASS) == Some(ck::CKO_SECRET_KEY) {
                begun.set_default(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
            }
        }
        begun
    }
}
