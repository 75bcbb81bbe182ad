//! [`LocalToken`] at the seam: each method is told in the file of its subject.

use super::LocalToken;
use super::access::Act;
use super::objects::local;
use crate::attribute::{AttributeType, Attributes};
use crate::crypto;
use crate::error::{Error, Result};
use crate::mechanism::{Digester, Mechanism, Purpose};
use crate::pin::{Credentials, Role};
use crate::token::{
    Begun, Caller, DerivedKeys, Encapsulated, Found, Making, ObjectInfo, ObjectRef, Template, Ticket, Token,
    TokenInfo, UserInfo,
};
use cryptoki_sys as ck;
use parking_lot::RwLock;
use std::any::Any;
use std::sync::Arc;

impl Token for LocalToken {
    fn info(&self) -> Result<TokenInfo> {
        self.describe()
    }

    fn is_initialized(&self) -> Result<bool> {
        self.has_store()
    }

    fn initialize(&self, officer: &Credentials, label: &str) -> Result<()> {
        self.make_token(officer, label)
    }

    fn login(&self, role: Role, credentials: &Credentials) -> Result<Arc<dyn Ticket>> {
        self.enter(role, credentials, false)
    }

    fn confirm(&self, ticket: &Arc<dyn Ticket>, password: &[u8]) -> Result<Arc<dyn Ticket>> {
        self.reenter(ticket, password)
    }

    fn holds(&self, ticket: &Arc<dyn Ticket>) -> bool {
        self.store()
            .is_ok_and(|store| !matches!(self.know(&store, Some(ticket)), Err(Error::UserNotLoggedIn)))
    }

    fn logout(&self, ticket: &Arc<dyn Ticket>) {
        self.forget(ticket);
    }

    fn init_pin(&self, officer: Caller<'_>, user: &Credentials) -> Result<()> {
        self.make_user_pin(officer, user)
    }

    fn set_pin(&self, role: Role, old: &Credentials, new_password: &[u8]) -> Result<()> {
        self.change_pin(role, old, new_password)
    }

    fn users(&self, officer: Caller<'_>) -> Result<Vec<UserInfo>> {
        self.list_users(officer)
    }

    fn create_user(&self, officer: Caller<'_>, role: Role, user: &Credentials) -> Result<()> {
        self.add_user(officer, role, user)
    }

    fn delete_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()> {
        self.as_officer(officer, |store, by| store.delete_user(&by.key, role, name))
    }

    fn unlock_user(&self, officer: Caller<'_>, role: Role, name: &str) -> Result<()> {
        self.as_officer(officer, |store, _| store.unlock(role, name))
    }

    fn find(&self, caller: Caller<'_>, template: &Attributes) -> Result<Vec<Found>> {
        self.search(caller, template)
    }

    fn info_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<Arc<ObjectInfo>> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let opened = self.open(&store, known, Act::See, object)?;
        opened.info().cloned()
    }

    fn is_private(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<bool> {
        match object {
            ObjectRef::Held(held) => Ok(local(held)?.is_true(ck::CKA_PRIVATE)),
            ObjectRef::Stored(id) => match self.cache.look(*id, None).1 {
                Some((object, _)) => Ok(object.is_true(ck::CKA_PRIVATE)),
                None => Ok(self.info_of(caller, object)?.attributes.is_true(ck::CKA_PRIVATE)),
            },
        }
    }

    fn reveal(&self, caller: Caller<'_>, object: &ObjectRef, wanted: &[AttributeType]) -> Result<Attributes> {
        self.read_secret(caller, object, wanted)
    }

    fn size_of(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<u64> {
        self.measure(caller, object)
    }

    fn make(&self, caller: Caller<'_>, making: Making<'_>, template: &Attributes) -> Result<ObjectRef> {
        self.make_object(caller, making, template)
    }

    fn generate(&self, caller: Caller<'_>, mechanism: &Mechanism, template: &Template) -> Result<ObjectRef> {
        self.generate_key(caller, mechanism, template)
    }

    fn make_pair(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        public: &Template,
        private: &Template,
    ) -> Result<(ObjectRef, ObjectRef)> {
        self.make_key_pair(caller, mechanism, public, private)
    }

    fn derive(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        keys: &[ObjectRef],
        templates: &[Attributes],
    ) -> Result<DerivedKeys> {
        self.derive_keys(caller, mechanism, keys, templates)
    }

    fn encapsulate(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        template: &Template,
        room: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        self.encapsulate_key(caller, mechanism, key, template, room)
    }

    fn set(&self, caller: Caller<'_>, object: &ObjectRef, changes: &Attributes) -> Result<ObjectRef> {
        self.change(caller, object, changes)
    }

    fn destroy(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<()> {
        self.remove(caller, object)
    }

    fn begin(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun> {
        self.begin_operation(caller, purpose, mechanism, key)
    }

    fn digest_key(&self, caller: Caller<'_>, key: &ObjectRef, digester: &mut dyn Digester) -> Result<()> {
        self.feed_key(caller, key, digester)
    }

    fn wrap(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        wrapping: &ObjectRef,
        key: &ObjectRef,
    ) -> Result<Vec<u8>> {
        self.wrap_key(caller, mechanism, wrapping, key)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<()> {
        crypto::random(buffer)
    }

    fn seed(&self, seed: &[u8]) -> Result<()> {
        crypto::seed(seed)
    }

    fn close(&self) {
        self.cache.clear();
        self.moulds.clear();
        drop(self.pause());
    }

    fn pause(&self) -> Box<dyn Any> {
        // Held until the answer is dropped: a store opened meanwhile would be open across the fork.
        let place = RwLock::read_arc(&self.store);
        let paused = place.as_ref().map(|store| store.pause());
        Box::new((paused, place))
    }
}
