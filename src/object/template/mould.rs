//! What a checked template makes of every object that is made by it, and the objects: what was made, what is left to
//! defaults, and what only a token says.

use super::begin::begin;
use super::value::{check, is_measuring, measure, same};
use super::{Defaults, Fixed, Origin};
use crate::attribute::{AttributeType, Attributes, Late, Parts, Value};
use crate::error::{Error, Result};
use crate::object::schema::{ByOrigin, Form, Initial, Row, form_of, note, secrets_of};
use crate::pin::Role;
use cryptoki_sys as ck;
use std::sync::Arc;

/// A template checked and completed as far as can be without the values that are still to be made. Good for any number of objects.
pub struct Mould {
    origin: Origin,
    form: &'static Form,
    /// The template, with what function and mechanism fix.
    given: Attributes,
    /// Those of them that are secret.
    secret: Attributes,
    /// The others, with all defaults and history.
    common: Arc<Attributes>,
    /// What the object must have and only the making can bring.
    awaited: Vec<AttributeType>,
    /// What measures other attributes.
    measuring: Vec<&'static Row>,
    /// Whether anything was given, and not left empty, that the token knows the right value of.
    claims: bool,
}

/// A new object: what it has in common with all of its mould, and its own.
pub struct Cast {
    common: Arc<Attributes>,
    /// Wins where both have a type.
    own: Attributes,
    /// What neither has yet.
    late: Option<Arc<dyn Late>>,
}

impl Mould {
    /// Checks a caller's template before anything is computed; `role`: who asks. Errors as in [`begin`].
    pub fn new(
        origin: Origin,
        role: Option<Role>,
        defaults: Defaults,
        fixed: Fixed,
        template: &Attributes,
    ) -> Result<Mould> {
        Mould::of(origin, defaults, begin(origin, role, &fixed.attributes(), template)?)
    }

    /// From a template that has been checked.
    pub(super) fn of(origin: Origin, defaults: Defaults, given: Attributes) -> Result<Mould> {
        let form = form_of(&given)?;
        let mut common = given.copy_with_room(form.rows().len());
        let secret = common.take(secrets_of(form.class.number));
        common.extend(left_out(form, origin, defaults, &given));
        record_history(origin, form, &mut common);
        let awaited = |row: &&Row| row.has(note::MUST_CREATE) && !common.contains(row.attribute);
        let awaited = form.rows().filter(awaited).map(|row| row.attribute).collect();
        let measuring = form.rows().filter(|row| is_measuring(row)).collect();
        let claims = |row: &Row| row.has(note::COMPUTED) && given.bytes(row.attribute) != Some(&[]);
        let claims = form.rows().any(|row| given.contains(row.attribute) && claims(row));
        Ok(Mould { origin, form, given, secret, common: Arc::new(common), awaited, measuring, claims })
    }

    /// The template, with what function and mechanism fix.
    pub fn given(&self) -> &Attributes {
        &self.given
    }

    /// What all objects of this mould have in common.
    pub fn common(&self) -> &Attributes {
        &self.common
    }

    /// Whether it was made of values that are nobody's to keep.
    pub fn has_secrets(&self) -> bool {
        !self.secret.is_empty()
    }

    /// Whether it claims what the token can compute.
    pub fn has_claims(&self) -> bool {
        self.claims
    }

    /// Whether a mechanism has made what the objects are completed with.
    pub fn is_generating(&self) -> bool {
        matches!(self.origin, Origin::Generate(_))
    }

    /// Completes an object: `made` is what the mechanism, the unwrapped key or the derivation contributed; what such objects don't
    /// have is left out of it. All defaults and the attributes that only a token sets are in the answer, but for `CKA_UNIQUE_ID`, and
    /// `CKA_CHECK_VALUE` and `CKA_PUBLIC_KEY_INFO` of keys where neither template nor `made` has them.
    ///
    /// What waits until somebody asks goes on waiting, unless the object is to be stored, or the template has it too.
    ///
    /// A contradiction between template and `made` is `TemplateInconsistent`, one of lengths of an unwrapped key
    /// `WrappedKeyLenRange`, a wrong check value or public key info `AttributeValueInvalid`.
    pub fn cast(&self, made: impl Into<Parts>) -> Result<Cast> {
        let Parts { told, late } = self.due(made.into())?;
        let mut cast = Cast { common: self.common.clone(), own: self.accepted(told)?, late };
        let agree = self.measure(&mut cast);
        self.check_value(&cast, agree)?;
        if !self.awaited.iter().all(|awaited| cast.tells(*awaited)) {
            return Err(Error::TemplateIncomplete);
        }
        // All other relations are between attributes that the template has told or left to defaults.
        if agree { Ok(cast) } else { Err(Error::TemplateInconsistent) }
    }

    /// Tells what can't wait.
    fn due(&self, made: Parts) -> Result<Parts> {
        let given = |late: &Arc<dyn Late>| late.kinds().iter().any(|kind| self.given.contains(*kind));
        if self.common.is_true(ck::CKA_TOKEN) || made.late.as_ref().is_some_and(given) {
            return made.whole().map(Parts::from);
        }
        Ok(made)
    }

    /// What of `made` belongs to the form and is to be taken over what was given, and the secrets that were given.
    fn accepted(&self, mut made: Attributes) -> Result<Attributes> {
        made.try_retain(|attribute, value| -> Result<bool> {
            let Some(row) = self.form.row(attribute) else { return Ok(false) };
            let given = self.given.get(attribute);
            Ok(agreed(row, given, value)? && given != Some(value))
        })?;
        for (attribute, value) in self.secret.iter() {
            made.set_default(attribute, value.clone());
        }
        Ok(made)
    }

    /// Checks the length of a secret key's value, which may come from outside, and whether it is the one that was told.
    fn check_value(&self, cast: &Cast, agree: bool) -> Result<()> {
        let good = match (self.form.row(ck::CKA_VALUE), cast.get(ck::CKA_VALUE)) {
            (Some(row), Some(value)) => check(self.form, row, value),
            _ => Ok(()),
        };
        match self.origin {
            // Section 5.18.3: any conflict of lengths is the wrapped key's.
            Origin::Unwrap if good.is_err() || !agree => Err(Error::WrappedKeyLenRange),
            _ => good,
        }
    }

    /// Measures what is there, where nobody has told the measure yet; whether what was told is right.
    fn measure(&self, cast: &mut Cast) -> bool {
        let mut agree = true;
        for row in &self.measuring {
            match (cast.get(row.attribute), measure(row, |kind| cast.get(kind))) {
                (None, Some(measured)) => cast.own.set(row.attribute, measured),
                (Some(Value::Ulong(told)), Some(measured)) => agree &= *told == measured,
                _ => {}
            }
        }
        agree
    }
}

impl Cast {
    /// An object that shares nothing.
    pub fn alone(all: Attributes) -> Cast {
        Cast { common: Arc::default(), own: all, late: None }
    }

    /// The set that has `kind` already, if any has.
    pub fn holding(&self, kind: AttributeType) -> &Attributes {
        if self.own.contains(kind) { &self.own } else { &self.common }
    }

    /// Whether `kind` is its own, already or when somebody asks for the whole.
    pub fn tells(&self, kind: AttributeType) -> bool {
        self.own.contains(kind) || self.is_late(kind)
    }

    /// Whether `kind` is told when somebody asks for the whole.
    fn is_late(&self, kind: AttributeType) -> bool {
        self.late.as_ref().is_some_and(|late| late.kinds().contains(&kind))
    }

    /// The value of `kind`, if it is there already.
    pub fn get(&self, kind: AttributeType) -> Option<&Value> {
        self.own.get(kind).or_else(|| self.common.get(kind))
    }

    /// What it does not share and has already.
    pub fn own(&self) -> &Attributes {
        &self.own
    }

    /// The same, to be changed.
    pub fn own_mut(&mut self) -> &mut Attributes {
        &mut self.own
    }

    /// All its attributes, those too that have waited for it, with room for so many more.
    pub fn whole(&self, more: usize) -> Result<Attributes> {
        let late = self.late.as_ref().map(|late| late.tell()).transpose()?.unwrap_or_default();
        let mut whole = self.common.copy_with_room(self.own.len() + late.len() + more);
        for (attribute, value) in self.own.iter() {
            whole.set(attribute, value.clone());
        }
        for (attribute, value) in late {
            whole.set(attribute, value);
        }
        Ok(whole)
    }
}

/// What nobody has given, with the values that the form and the token say.
fn left_out(form: &Form, origin: Origin, defaults: Defaults, given: &Attributes) -> Attributes {
    let mut left_out = Attributes::new();
    left_out.reserve(form.rows().len());
    // Both are in ascending order.
    let mut kinds = given.iter().map(|(attribute, _)| attribute).peekable();
    for row in form.rows() {
        while kinds.next_if(|kind| *kind < row.attribute).is_some() {}
        if kinds.peek() == Some(&row.attribute) {
            continue;
        }
        if let Some(value) = initial(row, form, origin, defaults, given) {
            left_out.set(row.attribute, value);
        }
    }
    left_out
}

/// The value of an attribute that nobody has given.
fn initial(row: &Row, form: &Form, origin: Origin, defaults: Defaults, given: &Attributes) -> Option<Value> {
    match row.initial {
        // What measures others waits for them.
        Initial::Absent | Initial::LengthOf(_) | Initial::BitsOf(_) => None,
        Initial::Empty => Some(Value::from(Vec::new())),
        Initial::Bool(value) => Some(value.into()),
        Initial::Ulong(value) => Some(value.into()),
        Initial::Usage => Some((defaults.usage && form.usage.contains(&row.attribute)).into()),
        Initial::Protection { token, session } => {
            let choice = if given.is_true(ck::CKA_TOKEN) { token } else { session };
            Some(choice.of(origin).into())
        }
    }
}

/// Whether what was made is to be taken over what the template gave.
fn agreed(row: &Row, given: Option<&Value>, made: &Value) -> Result<bool> {
    let Some(given) = given else {
        return Ok(true);
    };
    let declined = matches!(given, Value::Bytes(bytes) if bytes.is_empty());
    match row {
        _ if same(row, given, made) || row.has(note::ENCODED) => Ok(true),
        _ if row.has(note::COMPUTED) && declined => Ok(false),
        _ if row.has(note::COMPUTED) => Err(Error::AttributeValueInvalid),
        _ => Err(Error::TemplateInconsistent),
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
