//! New objects, by every way there is.
//!
//! Each way is the same three steps: the template is checked (`template::begin`), the mechanism, the wrapped key or the base key
//! contributes its part, and the whole is completed (`template::finish`) and put where `CKA_TOKEN` says. Nothing is kept before all
//! of it has succeeded.

use super::LocalToken;
use super::access::{self, Act};
use super::object::LocalObject;
use super::operate::Working;
use super::ticket::Known;
use crate::attribute::{Attributes, Value};
use crate::crypto;
use crate::error::{Error, Result};
use crate::mechanism::{Material, Mechanism, Unit, Wanted, encoding};
use crate::object::template::{self, Defaults, Origin};
use crate::store::{self, Record, Store};
use crate::token::{Caller, Making, ObjectId, ObjectRef};
use cryptoki_sys as ck;
use std::sync::Arc;

impl LocalToken {
    pub(super) fn make_object(
        &self,
        caller: Caller<'_>,
        making: Making<'_>,
        template: &Attributes,
    ) -> Result<ObjectRef> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let attributes = match making {
            Making::Create => self.create(known, template)?,
            Making::Generate(mechanism) => self.generate(known, mechanism, template)?,
            Making::Unwrap { mechanism, key, wrapped } => {
                self.unwrap(&store, known, mechanism, key, wrapped, template)?
            }
            Making::Decapsulate { mechanism, key, ciphertext } => {
                self.decapsulate(&store, known, mechanism, key, ciphertext, template)?
            }
            Making::Copy(object) => {
                let opened = self.open(&store, known, Act::See, object)?;
                template::copy(known.role(), &opened.get()?.all()?, template)?
            }
        };
        self.keep(&store, known, vec![attributes])?.pop().ok_or(Error::FunctionFailed)
    }

    pub(super) fn make_key_pair(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        public: &Attributes,
        private: &Attributes,
    ) -> Result<(ObjectRef, ObjectRef)> {
        self.admit(mechanism)?;
        mechanism.require(ck::CKF_GENERATE_KEY_PAIR)?;
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let origin = Origin::Generate(mechanism.row.id);
        let base_of = |class: u64| key_base(mechanism, class);
        let public = begin(origin, known, &base_of(ck::CKO_PUBLIC_KEY), public)?;
        let private = begin(origin, known, &base_of(ck::CKO_PRIVATE_KEY), private)?;
        let (made_public, made_private) =
            mechanism.row.family.generate_pair(&mechanism.params, &public, &private)?;
        let public = self.complete(origin, public, made_public)?;
        let private = self.complete(origin, private, made_private)?;
        let mut kept = self.keep(&store, known, vec![public, private])?;
        match (kept.pop(), kept.pop()) {
            (Some(private), Some(public)) => Ok((public, private)),
            _ => Err(Error::FunctionFailed),
        }
    }

    fn create(&self, known: Known<'_>, template: &Attributes) -> Result<Attributes> {
        let begun = begin(Origin::Create, known, &Attributes::new(), template)?;
        let mut full = Attributes::new();
        if is_key(&begun) {
            full = begun.clone();
            encoding::complete(&mut full)?;
        }
        self.complete(Origin::Create, begun, full)
    }

    fn generate(&self, known: Known<'_>, mechanism: &Mechanism, template: &Attributes) -> Result<Attributes> {
        self.admit(mechanism)?;
        mechanism.require(ck::CKF_GENERATE)?;
        let origin = Origin::Generate(mechanism.row.id);
        let base = key_base(mechanism, ck::CKO_SECRET_KEY);
        let begun = begin(origin, known, &base, template)?;
        let made = mechanism.row.family.generate(&mechanism.params, &begun)?;
        self.complete(origin, begun, made)
    }

    fn unwrap(
        &self,
        store: &Store,
        known: Known<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        wrapped: &[u8],
        template: &Attributes,
    ) -> Result<Attributes> {
        self.admit(mechanism)?;
        let opened = self.open(store, known, Act::Use, key).map_err(unwrapping_error)?;
        let unwrapping = Working::new(opened.get()?, mechanism);
        unwrapping.check(ck::CKF_UNWRAP, ck::CKA_UNWRAP).map_err(unwrapping_error)?;
        needs_no_pin(opened.get()?)?;
        let template = imposed(opened.get()?, ck::CKA_UNWRAP_TEMPLATE, template)?;
        let template = under_trust(opened.get()?, template)?;
        let begun = begin(Origin::Unwrap, known, &Attributes::new(), &template)?;
        let class = begun.ulong(ck::CKA_CLASS).ok_or(Error::TemplateIncomplete)?;
        let key_type = begun.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
        let encoded = mechanism.row.family.unwrap(opened.get()?.key()?, &mechanism.params, wrapped)?;
        let encoded = match class {
            ck::CKO_SECRET_KEY => encoding::without_filling(encoded, wanted(&begun)?.length),
            _ => encoded,
        };
        let made = encoding::decode(class, key_type, &encoded)?;
        let object = self.complete(Origin::Unwrap, begun, made)?;
        Material::from_attributes(&object).map_err(|_| Error::WrappedKeyInvalid)?;
        Ok(object)
    }

    /// Completes an object's attributes, those included that are computed from others, unless the mechanism that `made` them has told them.
    pub(super) fn complete(
        &self,
        origin: Origin,
        begun: Attributes,
        mut made: Attributes,
    ) -> Result<Attributes> {
        // Only a mechanism knows it; elsewhere it is what the caller says.
        let info = match origin {
            Origin::Generate(_) => made.remove(ck::CKA_PUBLIC_KEY_INFO),
            _ => None,
        };
        let defaults = Defaults { usage: self.settings.usage_default };
        let mut object = template::finish(origin, defaults, begun, made)?;
        match (encoding::check_value(&object), object.bytes(ck::CKA_CHECK_VALUE)) {
            // PKCS#11 3.2, section 4.10.2: an empty value asks for none.
            (_, Some([])) => {}
            (Some(computed), Some(given)) if given != computed => return Err(Error::AttributeValueInvalid),
            (Some(computed), _) => object.set(ck::CKA_CHECK_VALUE, computed.as_slice()),
            (None, _) => {}
        }
        let computed = || encoding::public_key_info(&object).map(Value::from);
        if let Some(info) = info.or_else(computed) {
            check_info(object.bytes(ck::CKA_PUBLIC_KEY_INFO), &info)?;
            object.set(ck::CKA_PUBLIC_KEY_INFO, info);
        }
        Ok(object)
    }

    /// Puts new objects where they belong, all or none of those in the store.
    pub(super) fn keep(
        &self,
        store: &Store,
        known: Known<'_>,
        objects: Vec<Attributes>,
    ) -> Result<Vec<ObjectRef>> {
        let mut kept = Vec::with_capacity(objects.len());
        let mut stored: Vec<Arc<LocalObject>> = Vec::new();
        let moment = self.cache.moment();
        for mut attributes in objects {
            access::check_making(known.who(), &attributes)?;
            let owner = if attributes.is_true(ck::CKA_PRIVATE) { known.who() } else { None };
            let in_store = attributes.is_true(ck::CKA_TOKEN);
            let id = new_id(in_store)?;
            attributes.set(ck::CKA_UNIQUE_ID, id.to_hex().into_bytes());
            let version = u64::from(in_store);
            let owner = owner.map(|(user, _)| user);
            let object = Arc::new(LocalObject::from_attributes(id, owner, version, attributes));
            if in_store {
                stored.push(object);
                kept.push(ObjectRef::Stored(id));
            } else {
                kept.push(ObjectRef::Held(object));
            }
        }
        if !stored.is_empty() {
            let records: Vec<Record> = stored.iter().map(|object| object.to_record()).collect();
            let sealed = records.iter().any(|record| !record.secret.is_empty());
            if sealed && known.0.is_none() {
                return Err(Error::UserNotLoggedIn);
            }
            let moved = store.insert(known.viewer(), &records)?;
            stored.iter().for_each(|object| self.cache.put(object, moment.after_making(moved)));
        }
        Ok(kept)
    }
}

/// Section 4.10: public key info that is given must be that of the key.
fn check_info(given: Option<&[u8]>, info: &Value) -> Result<()> {
    let same = |given: &[u8]| match info {
        Value::Bytes(info) => encoding::same_public_key(given, info),
        _ => false,
    };
    let good = given.is_none_or(|given| given.is_empty() || same(given));
    if good { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}

/// Checks a template, and whether the caller may make such an object at all, before anything is computed.
pub(super) fn begin(
    origin: Origin,
    known: Known<'_>,
    base: &Attributes,
    template: &Attributes,
) -> Result<Attributes> {
    let begun = template::begin(origin, known.role(), base, template)?;
    access::check_making(known.who(), &begun)?;
    Ok(begun)
}

/// An id that nothing else has. What ends with its session is named by what was drawn ahead.
fn new_id(in_store: bool) -> Result<ObjectId> {
    if !in_store {
        return crypto::random_name().map(ObjectId);
    }
    store::new_id()
}

fn is_key(attributes: &Attributes) -> bool {
    matches!(
        attributes.ulong(ck::CKA_CLASS),
        Some(ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY)
    )
}

/// Class and, where the mechanism makes but one, type and length of the key it generates.
fn key_base(mechanism: &Mechanism, class: u64) -> Attributes {
    let mut base = Attributes::from_iter([(ck::CKA_CLASS, class)]);
    let row = mechanism.row;
    if let [only] = row.key_types {
        base.set(ck::CKA_KEY_TYPE, *only);
        let (least, most) = row.sizes;
        if class == ck::CKO_SECRET_KEY && row.unit == Unit::Bytes && least == most {
            base.set(ck::CKA_VALUE_LEN, least);
        }
    }
    base
}

/// The class of a secret key, and its type where the template has none.
pub(super) fn secret_base(template: &Attributes) -> Attributes {
    let mut base = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_SECRET_KEY)]);
    if !template.contains(ck::CKA_KEY_TYPE) {
        base.set(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
    }
    base
}

/// The template with what the working key's own template forces upon it.
pub(super) fn imposed(key: &LocalObject, kind: u64, template: &Attributes) -> Result<Attributes> {
    match key.info.attributes.template(kind) {
        Some(forced) => template::impose(forced, template),
        None => Ok(template.clone()),
    }
}

/// A key that asks for its user's PIN each time (`CKA_ALWAYS_AUTHENTICATE`) has no moment to be given it in `C_UnwrapKey` and
/// `C_DeriveKey`; what `C_Decrypt` would refuse must not be had by them.
pub(super) fn needs_no_pin(key: &LocalObject) -> Result<()> {
    if key.is_true(ck::CKA_ALWAYS_AUTHENTICATE) { Err(Error::UserNotLoggedIn) } else { Ok(()) }
}

/// What comes in under a key that an officer trusts stays as closed as what went out under it: a key that may leave
/// under trusted keys only must not come back as one that may be read.
fn under_trust(unwrapping: &LocalObject, template: Attributes) -> Result<Attributes> {
    if !unwrapping.is_true(ck::CKA_TRUSTED) {
        return Ok(template);
    }
    let forced = [(ck::CKA_SENSITIVE, true), (ck::CKA_WRAP_WITH_TRUSTED, true)];
    template::impose(&Attributes::from_iter(forced), &template)
}

/// Type of the key that is to be made, and its length where the template or the type fixes one.
pub(super) fn wanted(begun: &Attributes) -> Result<Wanted> {
    let key_type = begun.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    let length = match begun.ulong(ck::CKA_VALUE_LEN) {
        Some(length) => Some(usize::try_from(length).map_err(|_| Error::AttributeValueInvalid)?),
        None => encoding::fixed_length(key_type),
    };
    Ok(Wanted { key_type, length })
}

/// `C_DeriveKey` speaks of its base key, not of an object.
pub(super) fn key_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid => Error::KeyHandleInvalid,
        other => other,
    }
}

/// `C_UnwrapKey` and `C_DecapsulateKey` have their own names for what is wrong with their key.
pub(super) fn unwrapping_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid | Error::KeyHandleInvalid => Error::UnwrappingKeyHandleInvalid,
        Error::KeyTypeInconsistent => Error::UnwrappingKeyTypeInconsistent,
        Error::KeySizeRange => Error::UnwrappingKeySizeRange,
        other => other,
    }
}
