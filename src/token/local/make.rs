//! New objects, by every way there is.
//!
//! Each way is the same three steps: the template is checked and becomes a mould, the mechanism, the wrapped key or the base key
//! contributes its part, and the whole, a cast, is put where `CKA_TOKEN` says. Nothing is kept before all of it has succeeded.

use super::LocalToken;
use super::access::{self, Act};
use super::object::LocalObject;
use super::operate::Working;
use super::ticket::Known;
use super::told;
use crate::attribute::{Attributes, Parts};
use crate::crypto;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Unit, Wanted, encoding};
use crate::object::template::{self, Cast, Fixed, Mould, Origin};
use crate::store::{self, Record};
use crate::token::{Caller, Making, ObjectId, ObjectRef, Template};
use cryptoki_sys as ck;
use std::borrow::Cow;
use std::slice;
use std::sync::Arc;

/// How many ids a new object is given before it is refused: chance takes none of them twice.
const TRIES: u32 = 8;

impl LocalToken {
    pub(super) fn make_object(
        &self,
        caller: Caller<'_>,
        making: Making<'_>,
        template: &Attributes,
    ) -> Result<ObjectRef> {
        let known = self.recognize(caller)?;
        let cast = match making {
            Making::Create => self.create(known, template)?,
            Making::Generate(mechanism) => {
                let (origin, fixed) = self.generation(mechanism)?;
                generated(mechanism, &*self.mould(origin, known, fixed, template)?)?
            }
            Making::Unwrap { mechanism, key, wrapped } => {
                self.unwrap(known, mechanism, key, wrapped, template)?
            }
            Making::Decapsulate { mechanism, key, ciphertext } => {
                self.decapsulate(known, mechanism, key, ciphertext, template)?
            }
            Making::Copy(object) => {
                let opened = self.reach(known, Act::See, object)?;
                Cast::alone(template::copy(known.role(), &opened.all()?, template)?)
            }
        };
        let mut object = new_object(known, cast)?;
        if let Making::Unwrap { .. } = making {
            object.key().map_err(|_| Error::WrappedKeyInvalid)?;
        }
        self.keep(known, slice::from_mut(&mut object))?;
        Ok(object.reference())
    }

    pub(super) fn generate_key(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        template: &Template,
    ) -> Result<ObjectRef> {
        let known = self.recognize(caller)?;
        let (origin, fixed) = self.generation(mechanism)?;
        let mould = self.mould_with(origin, known, fixed, template)?;
        let mut object = new_object(known, generated(mechanism, &mould)?)?;
        self.keep(known, slice::from_mut(&mut object))?;
        Ok(object.reference())
    }

    pub(super) fn make_key_pair(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectRef, ObjectRef)> {
        self.admit(mechanism)?;
        mechanism.require(ck::CKF_GENERATE_KEY_PAIR)?;
        let known = self.recognize(caller)?;
        let origin = Origin::Generate(mechanism.row.id);
        let public = self.mould_with(origin, known, key_base(mechanism, ck::CKO_PUBLIC_KEY), public)?;
        let private = self.mould_with(origin, known, key_base(mechanism, ck::CKO_PRIVATE_KEY), private)?;
        let new = mechanism.row.family.generate_pair(&mechanism.params, public.given(), private.given())?;
        let private = new_object_alone(known, complete(&private, new.private)?)?.with_key(new.key);
        let mut pair = [new_object(known, complete(&public, new.public)?)?, Arc::new(private)];
        self.keep(known, &mut pair)?;
        let [public, private] = pair;
        Ok((public.reference(), private.reference()))
    }

    fn create(&self, known: Known<'_>, template: &Attributes) -> Result<Cast> {
        let mould = self.mould(Origin::Create, known, Fixed::default(), template)?;
        let mut full = Attributes::new();
        if is_key(mould.given()) {
            full = mould.given().clone();
            encoding::complete(&mut full)?;
        }
        complete(&mould, full)
    }

    /// What a mechanism that generates a key decides of its mould.
    fn generation(&self, mechanism: &Mechanism) -> Result<(Origin, Fixed)> {
        self.admit(mechanism)?;
        mechanism.require(ck::CKF_GENERATE)?;
        Ok((Origin::Generate(mechanism.row.id), key_base(mechanism, ck::CKO_SECRET_KEY)))
    }

    fn unwrap(
        &self,
        known: Known<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        wrapped: &[u8],
        template: &Attributes,
    ) -> Result<Cast> {
        self.admit(mechanism)?;
        let opened = self.reach(known, Act::Use, key).map_err(unwrapping_error)?;
        let unwrapping = Working::new(&opened, mechanism);
        unwrapping.check(ck::CKF_UNWRAP, ck::CKA_UNWRAP).map_err(unwrapping_error)?;
        needs_no_pin(&opened)?;
        let template = imposed(&opened, ck::CKA_UNWRAP_TEMPLATE, Cow::Borrowed(template))?;
        let template = under_trust(&opened, template)?;
        let mould = self.mould(Origin::Unwrap, known, Fixed::default(), &template)?;
        let begun = mould.given();
        let class = begun.ulong(ck::CKA_CLASS).ok_or(Error::TemplateIncomplete)?;
        let key_type = begun.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
        let encoded = mechanism.row.family.unwrap(opened.key()?, &mechanism.params, wrapped)?;
        let encoded = match class {
            ck::CKO_SECRET_KEY => encoding::without_filling(encoded, wanted(begun)?.length),
            _ => encoded,
        };
        complete(&mould, encoding::decode(class, key_type, &encoded)?)
    }

    /// Puts new objects where they belong, all or none of those in the store. Where an id is taken there, or all places for it, they get others.
    pub(super) fn keep(&self, known: Known<'_>, objects: &mut [Arc<LocalObject>]) -> Result<()> {
        if !objects.iter().any(|object| object.is_stored()) {
            return Ok(());
        }
        let store = self.store()?;
        known.check(&store)?;
        let moment = self.cache.moment();
        let mut tries = 1..TRIES;
        let moved = loop {
            let records =
                stored(objects).map(|object| object.to_record()).collect::<Result<Vec<Record>>>()?;
            let sealed = records.iter().any(|record| !record.secret.is_empty());
            if sealed && known.0.is_none() {
                return Err(Error::UserNotLoggedIn);
            }
            match store.insert(known.viewer(), &records) {
                Err(store::Error::Exists) if tries.next().is_some() => rename(objects)?,
                Err(store::Error::Exists) => return Err(Error::FunctionFailed),
                moved => break moved?,
            }
        };
        stored(objects).for_each(|object| self.cache.put(object, moment.after_making(moved)));
        Ok(())
    }
}

/// Those that belong into the store.
fn stored(objects: &[Arc<LocalObject>]) -> impl Iterator<Item = &Arc<LocalObject>> {
    objects.iter().filter(|object| object.is_stored())
}

/// Gives all that belong into the store other ids.
fn rename(objects: &mut [Arc<LocalObject>]) -> Result<()> {
    for object in objects.iter_mut().filter(|object| object.is_stored()) {
        *object = Arc::new(object.renamed(store::new_id()?)?);
    }
    Ok(())
}

/// A key that the mechanism makes.
fn generated(mechanism: &Mechanism, mould: &Mould) -> Result<Cast> {
    complete(mould, mechanism.row.family.generate(&mechanism.params, mould.given())?)
}

/// Completes an object, and compares what its template claims.
pub(super) fn complete(mould: &Mould, made: impl Into<Parts>) -> Result<Cast> {
    let mut made = made.into();
    let mut info = None;
    // Only a mechanism that generates knows it; elsewhere it is what the caller says.
    if mould.is_generating()
        && made.tells(ck::CKA_PUBLIC_KEY_INFO)
        && mould.given().contains(ck::CKA_PUBLIC_KEY_INFO)
    {
        made = made.whole()?.into();
        info = made.told.remove(ck::CKA_PUBLIC_KEY_INFO);
    }
    let mut cast = mould.cast(made)?;
    if mould.has_claims() {
        told::check_claims(&cast)?;
    }
    if let Some(info) = info {
        cast.own_mut().set(ck::CKA_PUBLIC_KEY_INFO, info);
    }
    Ok(cast)
}

/// A new object of whoever may make it.
pub(super) fn new_object(known: Known<'_>, cast: Cast) -> Result<Arc<LocalObject>> {
    new_object_alone(known, cast).map(Arc::new)
}

/// The same, before it is shared.
fn new_object_alone(known: Known<'_>, cast: Cast) -> Result<LocalObject> {
    let private = cast.holding(ck::CKA_PRIVATE).bool(ck::CKA_PRIVATE);
    access::check_making(known.who(), cast.holding(ck::CKA_CLASS).ulong(ck::CKA_CLASS), private)?;
    let owner = known.who().filter(|_| private == Some(true)).map(|(user, _)| user);
    let in_store = cast.holding(ck::CKA_TOKEN).is_true(ck::CKA_TOKEN);
    let version = u64::from(in_store);
    LocalObject::from_cast(new_id(in_store)?, owner, version, cast)
}

/// An id that nothing else has. What ends with its session is named by what was drawn ahead.
fn new_id(in_store: bool) -> Result<ObjectId> {
    if !in_store {
        let mut id = ObjectId([0; 16]);
        return crypto::random(&mut id.0).map(|()| id);
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
fn key_base(mechanism: &Mechanism, class: u64) -> Fixed {
    let row = mechanism.row;
    let [only] = row.key_types else { return Fixed { class: Some(class), ..Fixed::default() } };
    let (least, most) = row.sizes;
    let has_one_length = class == ck::CKO_SECRET_KEY && row.unit == Unit::Bytes && least == most;
    Fixed { class: Some(class), key_type: Some(*only), length: has_one_length.then_some(least) }
}

/// The class of a secret key, and its type where the template has none.
pub(super) fn secret_base(template: &Attributes) -> Fixed {
    let generic = !template.contains(ck::CKA_KEY_TYPE);
    let key_type = generic.then_some(ck::CKK_GENERIC_SECRET);
    Fixed { class: Some(ck::CKO_SECRET_KEY), key_type, length: None }
}

/// The template with what the working key's own template forces upon it.
pub(super) fn imposed<'a>(
    key: &LocalObject,
    kind: u64,
    template: Cow<'a, Attributes>,
) -> Result<Cow<'a, Attributes>> {
    match key.holding(kind).template(kind) {
        Some(forced) => template::impose(forced, template),
        None => Ok(template),
    }
}

/// A key that asks for its user's PIN each time (`CKA_ALWAYS_AUTHENTICATE`) has no moment to be given it in `C_UnwrapKey` and
/// `C_DeriveKey`; what `C_Decrypt` would refuse must not be had by them.
pub(super) fn needs_no_pin(key: &LocalObject) -> Result<()> {
    if key.is_true(ck::CKA_ALWAYS_AUTHENTICATE) { Err(Error::UserNotLoggedIn) } else { Ok(()) }
}

/// What comes in under a key that an officer trusts stays as closed as what went out under it: a key that may leave
/// under trusted keys only must not come back as one that may be read.
fn under_trust<'a>(unwrapping: &LocalObject, template: Cow<'a, Attributes>) -> Result<Cow<'a, Attributes>> {
    if !unwrapping.is_true(ck::CKA_TRUSTED) {
        return Ok(template);
    }
    let forced = [(ck::CKA_SENSITIVE, true), (ck::CKA_WRAP_WITH_TRUSTED, true)];
    template::impose(&Attributes::from_iter(forced), template)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TokenSettings;
    use crate::pin::{Credentials, Role};
    use crate::store::{Argon2, Meta, Store};

    /// A public data object of this id, new.
    fn data(id: ObjectId) -> Arc<LocalObject> {
        let mut all = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_DATA)]);
        all.set(ck::CKA_TOKEN, true);
        all.set(ck::CKA_UNIQUE_ID, id.to_hex().into_bytes());
        Arc::new(LocalObject::from_attributes(id, None, 1, all))
    }

    #[test]
    fn a_new_object_whose_id_or_all_places_for_it_are_taken_gets_another_id_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let argon2 = Argon2 { memory_kib: 8, passes: 1 };
        let meta = Meta { label: "test".into(), serial: "0123456789abcdef".into(), max_failures: 3, argon2 };
        let officer = Credentials::from_pin(Role::Officer, b"so-pin");
        let store = Store::create(folder.path(), &meta, &officer).unwrap();
        let token = LocalToken::new(folder.path().to_path_buf(), TokenSettings::default());
        let id = |last| ObjectId(std::array::from_fn(|at| if at == 15 { last } else { 7 }));
        // The first comes twice, and the ninth finds all eight places taken.
        let mut kept = Vec::new();
        for last in [0, 0, 1, 2, 3, 4, 5, 6, 7, 8] {
            let mut objects = [data(id(last)), data(store::new_id().unwrap())];
            token.keep(Known(None), &mut objects).unwrap();
            kept.extend(objects);
        }
        for object in &kept {
            let stored = store.get(None, object.id).unwrap().unwrap();
            assert_eq!(stored.public, object.info().unwrap().attributes);
            assert_eq!(stored.public.bytes(ck::CKA_UNIQUE_ID), Some(object.id.to_hex().as_bytes()));
        }
        assert_eq!(store.find(None, &Attributes::new()).unwrap().len(), kept.len());
        assert_eq!(kept.iter().filter(|object| object.id.0[..15] == [7; 15]).count(), 8);
    }
}
