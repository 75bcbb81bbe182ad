//! Objects as a session sees them: by handle.
//!
//! Each function keeps the session's turn to its end: the session, and with it the objects it has made, does not go away in
//! the middle of a call.

use super::caller::Login;
use super::{Handle, KnownTemplate, Session, Turn};
use crate::attribute::{AttributeType, Attributes, Value};
use crate::error::{Error, Result};
use crate::mechanism::Mechanism;
use crate::object::{schema, template};
use crate::output::{Delivery, Output};
use crate::token::{Caller, Encapsulated, Found, Making, ObjectInfo, ObjectRef, Template};
use cryptoki_sys as ck;
use std::sync::Arc;

/// A search in progress: what has been found and not yet been handed out.
pub(super) struct Search {
    held: std::vec::IntoIter<Handle>,
    stored: std::vec::IntoIter<Found>,
}

impl Session {
    /// `C_CreateObject`.
    pub fn create_object(&self, template: &Attributes) -> Result<Handle> {
        let mut work = self.work()?;
        self.make(work.login.now(&self.slot), Making::Create, template)
    }

    /// `C_CopyObject`.
    pub fn copy_object(&self, object: Handle, template: &Attributes) -> Result<Handle> {
        let mut work = self.work()?;
        self.require_not_fixed(object)?;
        let object = self.slot.objects.get(object)?;
        let login = work.login.now(&self.slot);
        let info = self.slot.token().info_of(login.caller(), &object)?;
        let mut copied = Attributes::new();
        copied.set(ck::CKA_TOKEN, info.attributes.is_true(ck::CKA_TOKEN));
        copied.extend(template.clone());
        self.require_may_make(&copied)?;
        self.make(login, Making::Copy(&object), template)
    }

    /// `C_DestroyObject`.
    pub fn destroy_object(&self, object: Handle) -> Result<()> {
        let mut work = self.work()?;
        self.require_not_fixed(object)?;
        let reference = self.slot.objects.get(object)?;
        self.require_may_change(&reference)?;
        self.slot.token().destroy(work.login.now(&self.slot).caller(), &reference)?;
        self.slot.objects.remove(object);
        drop(work);
        if let ObjectRef::Stored(_) = reference {
            // What works with a session object never rests.
            self.slot.forget(object);
        }
        Ok(())
    }

    /// `C_GetObjectSize`, in bytes.
    pub fn object_size(&self, object: Handle) -> Result<u64> {
        let mut work = self.work()?;
        if let Some(fixed) = self.slot.fixed.get(object) {
            return Ok(fixed.size());
        }
        let object = self.slot.objects.get(object)?;
        self.slot.token().size_of(work.login.now(&self.slot).caller(), &object)
    }

    /// `C_GetAttributeValue`: for each wanted attribute its value, or `AttributeSensitive` or `AttributeTypeInvalid`.
    pub fn attributes(&self, object: Handle, wanted: &[AttributeType]) -> Result<Vec<Result<Value>>> {
        let mut work = self.work()?;
        if let Some(fixed) = self.slot.fixed.get(object) {
            let value = |kind: &AttributeType| fixed.get(*kind).cloned().ok_or(Error::AttributeTypeInvalid);
            return Ok(wanted.iter().map(value).collect());
        }
        let object = self.slot.objects.get(object)?;
        let caller = work.login.now(&self.slot).caller();
        let info = self.slot.token().info_of(caller, &object)?;
        wanted.iter().map(|kind| self.attribute(caller, &object, &info, *kind)).collect()
    }

    /// One attribute; the outer error is the whole call's.
    fn attribute(
        &self,
        caller: Caller<'_>,
        object: &ObjectRef,
        info: &ObjectInfo,
        kind: AttributeType,
    ) -> Result<Result<Value>> {
        if let Some(value) = info.attributes.get(kind) {
            return Ok(Ok(value.clone()));
        }
        let class = info.attributes.ulong(ck::CKA_CLASS).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
        if !schema::is_secret(class, kind) {
            return Ok(Err(Error::AttributeTypeInvalid));
        }
        match self.slot.token().reveal(caller, object, &[kind]) {
            Ok(mut revealed) => Ok(revealed.remove(kind).ok_or(Error::AttributeTypeInvalid)),
            // Without a login the secret half of a public object is sealed: not to be had, but no reason to give up the
            // rest of the template.
            Err(Error::AttributeSensitive | Error::UserNotLoggedIn) => Ok(Err(Error::AttributeSensitive)),
            Err(other) => Err(other),
        }
    }

    /// `C_SetAttributeValue`.
    pub fn set_attributes(&self, object: Handle, changes: &Attributes) -> Result<()> {
        let mut work = self.work()?;
        self.require_not_fixed(object)?;
        loop {
            let old = self.slot.objects.get(object)?;
            self.require_may_change(&old)?;
            let new = self.slot.token().set(work.login.now(&self.slot).caller(), &old, changes)?;
            if let (ObjectRef::Held(old), ObjectRef::Held(new)) = (old, new)
                && !self.slot.objects.replace(object, &old, new)
            {
                // Another thread has changed or destroyed the object meanwhile: look at what it has left.
                continue;
            }
            return Ok(());
        }
    }

    /// `C_FindObjectsInit`.
    pub fn find_init(&self, template: &Attributes) -> Result<()> {
        let mut work = self.work()?;
        if work.search.is_some() {
            return Err(Error::OperationActive);
        }
        let mut held = Vec::new();
        for (handle, object) in self.slot.objects.held() {
            if template::matches(&object.info()?.attributes, template) {
                held.push(handle);
            }
        }
        held.extend(self.slot.fixed.find(template, self.slot.mechanisms()));
        held.sort_unstable();
        let session_only = template.bool(ck::CKA_TOKEN) == Some(false);
        let stored = match session_only {
            true => Vec::new(),
            false => self.slot.token().find(work.login.now(&self.slot).caller(), template)?,
        };
        work.search = Some(Search { held: held.into_iter(), stored: stored.into_iter() });
        Ok(())
    }

    /// `C_FindObjects`: at most `most` further handles.
    pub fn find(&self, most: usize) -> Result<Vec<Handle>> {
        let mut work = self.work()?;
        let search = work.search.as_mut().ok_or(Error::OperationNotInitialized)?;
        let handles = &self.slot.objects;
        let stored = search.stored.by_ref().map(|found| handles.of_found(found));
        Ok(search.held.by_ref().chain(stored).take(most).collect())
    }

    /// `C_FindObjectsFinal`.
    pub fn find_final(&self) -> Result<()> {
        self.work()?.search.take().map(drop).ok_or(Error::OperationNotInitialized)
    }

    /// `C_WrapKey`.
    pub fn wrap_key(
        &self,
        mechanism: &Mechanism,
        wrapping: Handle,
        key: Handle,
        output: Output<'_>,
    ) -> Result<Delivery> {
        output.copy(&self.wrapped(mechanism, wrapping, key)?)
    }

    /// A key, wrapped.
    pub(super) fn wrapped(&self, mechanism: &Mechanism, wrapping: Handle, key: Handle) -> Result<Vec<u8>> {
        let mut work = self.work()?;
        self.slot.admit(mechanism)?;
        let handles = &self.slot.objects;
        let wrapping = handles.get(wrapping).map_err(|_| Error::WrappingKeyHandleInvalid)?;
        let key = handles.get(key).map_err(|_| Error::KeyHandleInvalid)?;
        self.slot.token().wrap(work.login.now(&self.slot).caller(), mechanism, &wrapping, &key)
    }

    /// `C_UnwrapKey`.
    pub fn unwrap_key(
        &self,
        mechanism: &Mechanism,
        unwrapping: Handle,
        wrapped: &[u8],
        template: &Attributes,
    ) -> Result<Handle> {
        let mut work = self.work()?;
        self.slot.admit(mechanism)?;
        let key = self.slot.objects.get(unwrapping).map_err(|_| Error::UnwrappingKeyHandleInvalid)?;
        self.make_by_key(
            work.login.now(&self.slot),
            Making::Unwrap { mechanism, key: &key, wrapped },
            template,
        )
    }

    /// `C_DeriveKey`: the keys, and what the caller is told besides. `templates`: the caller's, and those in the parameter.
    pub fn derive_keys(
        &self,
        mechanism: &Mechanism,
        base: Handle,
        templates: &[Attributes],
    ) -> Result<(Vec<Handle>, Vec<u8>)> {
        let mut work = self.work()?;
        self.slot.admit(mechanism)?;
        let named = std::iter::once(base).chain(mechanism.params.keys());
        let find = |handle| self.slot.objects.get(handle).map_err(|_| Error::KeyHandleInvalid);
        let keys = named.map(find).collect::<Result<Vec<_>>>()?;
        let kept: Option<Vec<_>> =
            (!self.read_write).then(|| templates.iter().map(kept_in_session).collect());
        let templates = kept.as_deref().unwrap_or(templates);
        templates.iter().try_for_each(|template| self.require_may_make(template))?;
        let login = work.login.now(&self.slot);
        let derived = self.slot.token().derive(login.caller(), mechanism, &keys, templates)?;
        let handles = derived.keys.into_iter().map(|key| self.hand_out(login, key));
        Ok((handles.collect::<Result<_>>()?, derived.told))
    }

    /// `C_DecapsulateKey`.
    pub fn decapsulate_key(
        &self,
        mechanism: &Mechanism,
        key: Handle,
        ciphertext: &[u8],
        template: &Attributes,
    ) -> Result<Handle> {
        let mut work = self.work()?;
        self.slot.admit(mechanism)?;
        let key = self.slot.objects.get(key).map_err(|_| Error::UnwrappingKeyHandleInvalid)?;
        self.make_by_key(
            work.login.now(&self.slot),
            Making::Decapsulate { mechanism, key: &key, ciphertext },
            template,
        )
    }

    /// Makes an object. The caller holds the session's turn, so the session does not end meanwhile.
    fn make(&self, login: &Login, making: Making<'_>, template: &Attributes) -> Result<Handle> {
        self.require_may_make(template)?;
        let made = self.slot.token().make(login.caller(), making, template)?;
        self.hand_out(login, made)
    }

    /// A handle for what this session has just made by `login`. If that has ended meanwhile, a private session object ends with
    /// it, and a private token object is there for those who search.
    fn hand_out(&self, login: &Login, object: ObjectRef) -> Result<Handle> {
        let private = self.slot.token().is_private(login.caller(), &object)?;
        let handle = self.slot.objects.add(object, self.handle, private);
        // Asked only now: who ends the login does so before the handles of private objects go.
        if private && !login.lasts(&self.slot) {
            self.slot.objects.remove(handle);
            return Err(Error::UserNotLoggedIn);
        }
        Ok(handle)
    }

    /// Makes an object by a key that may have a template of its own for it.
    fn make_by_key(&self, login: &Login, making: Making<'_>, template: &Attributes) -> Result<Handle> {
        if self.read_write {
            self.make(login, making, template)
        } else {
            self.make(login, making, &kept_in_session(template))
        }
    }

    /// What is the same for every token can't be changed, copied or destroyed.
    fn require_not_fixed(&self, object: Handle) -> Result<()> {
        if self.slot.fixed.get(object).is_some() { Err(Error::ActionProhibited) } else { Ok(()) }
    }

    /// A token object can be changed only through a session that may write.
    fn require_may_change(&self, object: &ObjectRef) -> Result<()> {
        match object {
            ObjectRef::Stored(_) => self.require_read_write(),
            ObjectRef::Held(_) => Ok(()),
        }
    }
}

impl Turn<'_> {
    /// `C_GenerateKey`.
    pub fn generate_key(&mut self, mechanism: &Mechanism, template: &Template) -> Result<Handle> {
        let session = self.session;
        session.slot.admit(mechanism)?;
        session.require_may_make(template)?;
        let login = self.work.login.now(&session.slot);
        let key = session.slot.token().generate(login.caller(), mechanism, template)?;
        session.hand_out(login, key)
    }

    /// The template in this place of those that the session used last, to be put back after its use; see [`LastTemplates`].
    pub fn take_template(
        &mut self,
        place: usize,
        count: usize,
        says: impl Fn(usize, AttributeType, &Value) -> bool,
    ) -> Option<Arc<KnownTemplate>> {
        self.work.templates.take(place, count, says)
    }

    /// Puts a template that was used into that place.
    pub fn put_template(&mut self, place: usize, template: Arc<KnownTemplate>) {
        self.work.templates.put(place, template);
    }

    /// `C_GenerateKeyPair`: the public and the private key.
    pub fn generate_key_pair(
        &mut self,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(Handle, Handle)> {
        let session = self.session;
        session.slot.admit(mechanism)?;
        session.require_may_make(public)?;
        session.require_may_make(private)?;
        let login = self.work.login.now(&session.slot);
        let pair = session.slot.token().make_pair(login.caller(), mechanism, public, private)?;
        Ok((session.hand_out(login, pair.0)?, session.hand_out(login, pair.1)?))
    }

    /// `C_EncapsulateKey`: the handle of the new key, if the ciphertext was written.
    pub fn encapsulate_key(
        &mut self,
        mechanism: &Mechanism,
        key: Handle,
        template: &Template,
        mut output: Output<'_>,
    ) -> Result<(Delivery, Option<Handle>)> {
        let session = self.session;
        session.slot.admit(mechanism)?;
        session.require_may_make(template)?;
        let key = session.slot.objects.get(key).map_err(|_| Error::KeyHandleInvalid)?;
        let login = self.work.login.now(&session.slot);
        let token = session.slot.token();
        match token.encapsulate(login.caller(), mechanism, &key, template, output.room())? {
            Encapsulated::Size(size) => Ok((output.tell(size)?, None)),
            Encapsulated::Made(size, made) => {
                let handle = session.hand_out(login, made)?;
                Ok((output.written(size), Some(handle)))
            }
        }
    }
}

/// In a session that may not write, what a key's own template asks for can't be a token object either: the template says so, and
/// contradicts one that does.
fn kept_in_session(template: &Attributes) -> Attributes {
    let mut template = template.copy_with_room(1);
    template.set_default(ck::CKA_TOKEN, false);
    template
}
