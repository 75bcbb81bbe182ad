//! Objects: finding, reading, changing, destroying.

use super::LocalToken;
use super::access::{self, Act};
use super::object::LocalObject;
use super::ticket::Known;
use crate::attribute::{AttributeType, Attributes};
use crate::error::{Error, Result};
use crate::object::template;
use crate::store::{self, Store};
use crate::token::{Caller, Found, HeldObject, ObjectId, ObjectRef};
use cryptoki_sys as ck;
use std::ops::Deref;
use std::sync::Arc;

/// How often a change is tried again because another process changed the same object in between.
const TRIES: usize = 16;

impl LocalToken {
    pub(super) fn search(&self, caller: Caller<'_>, template: &Attributes) -> Result<Vec<Found>> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        Ok(store.find(known.viewer(), template)?)
    }

    /// An object that `known` may do `act` with.
    pub(super) fn open<'a>(
        &self,
        store: &Store,
        known: Known<'_>,
        act: Act,
        object: &'a ObjectRef,
    ) -> Result<Opened<'a>> {
        let opened = match object {
            ObjectRef::Stored(id) => Opened::Stored(self.load(store, known, *id)?),
            ObjectRef::Held(held) => Opened::Held(local(held)?),
        };
        access::check(act, known.who(), &opened)?;
        Ok(opened)
    }

    /// The same for those who have no store in hand: it is looked at only where the counter does not prove that what is remembered is right.
    /// Threads that use a key at once would each wait for the other to have counted itself in and out of the store.
    pub(super) fn reach<'a>(&self, known: Known<'_>, act: Act, object: &'a ObjectRef) -> Result<Opened<'a>> {
        let opened = match object {
            ObjectRef::Held(held) => Opened::Held(local(held)?),
            ObjectRef::Stored(id) => match self.proved(known, *id) {
                Some(object) => Opened::Stored(object),
                None => {
                    let store = self.store()?;
                    known.check(&store)?;
                    return self.open(&store, known, act, object);
                }
            },
        };
        access::check(act, known.who(), &opened)?;
        Ok(opened)
    }

    /// A token object that is remembered, where the counter proves that neither it nor the login has changed.
    fn proved(&self, known: Known<'_>, id: ObjectId) -> Option<Arc<LocalObject>> {
        let counter = known.0?.proved(&self.store)?;
        let (object, current) = self.cache.look(id, Some(counter)).1?;
        (current && object.complete).then_some(object)
    }

    /// A token object as it is now: from the cache if that is proved right, else from the store.
    fn load(&self, store: &Store, known: Known<'_>, id: ObjectId) -> Result<Arc<LocalObject>> {
        let (moment, known_object) = self.cache.look(id, store.counter());
        if let Some((object, current)) = known_object {
            if known.0.is_none() && object.complete && !object.secret()?.is_empty() {
                // Opened for others: who has not logged in gets it as it is without the token key.
                let record = store.get(known.viewer(), id)?.ok_or(Error::ObjectHandleInvalid)?;
                return Ok(Arc::new(LocalObject::from_record(record, false)));
            }
            let enough = object.complete || known.0.is_none();
            if enough && current {
                return Ok(object);
            }
            if enough && store.is_still(id, object.version)? {
                self.cache.put(&object, moment);
                return Ok(object);
            }
            self.cache.remove(id);
        }
        let record = store.get(known.viewer(), id)?.ok_or(Error::ObjectHandleInvalid)?;
        let object = Arc::new(LocalObject::from_record(record, known.0.is_some()));
        self.cache.put(&object, moment);
        Ok(object)
    }

    pub(super) fn read_secret(
        &self,
        caller: Caller<'_>,
        object: &ObjectRef,
        wanted: &[AttributeType],
    ) -> Result<Attributes> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let object = self.open(&store, known, Act::See, object)?;
        if object.is_closed() {
            return Err(Error::AttributeSensitive);
        }
        if !object.complete {
            return Err(Error::UserNotLoggedIn);
        }
        let secret = object.secret()?;
        let found = |kind: &AttributeType| secret.get(*kind).map(|value| (*kind, value.clone()));
        Ok(wanted.iter().filter_map(found).collect())
    }

    pub(super) fn measure(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<u64> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let object = self.open(&store, known, Act::See, object)?;
        Ok(object.info()?.attributes.size() + object.secret()?.size())
    }

    pub(super) fn change(
        &self,
        caller: Caller<'_>,
        object: &ObjectRef,
        changes: &Attributes,
    ) -> Result<ObjectRef> {
        let store = self.store()?;
        for _ in 0..TRIES {
            let known = self.know(&store, caller)?;
            let old = self.open(&store, known, Act::Change, object)?;
            let changed = template::change(known.role(), &old.all()?, changes)?;
            let version = if old.is_stored() { old.version.saturating_add(1) } else { 0 };
            let new = Arc::new(LocalObject::from_attributes(old.id, old.owner, version, changed));
            let moment = self.cache.moment();
            match object {
                ObjectRef::Held(_) => return Ok(ObjectRef::Held(new)),
                ObjectRef::Stored(id) => match store.replace(known.viewer(), &new.to_record()?) {
                    Ok(moved) => {
                        self.cache.remove(*id);
                        self.cache.put(&new, moment.after_changing(moved));
                        return Ok(object.clone());
                    }
                    // Another process was quicker: look again, at what it has left.
                    Err(store::Error::Gone) => self.cache.remove(*id),
                    Err(other) => return Err(other.into()),
                },
            }
        }
        Err(Error::FunctionFailed)
    }

    /// Takes back an object that `caller` has just made, as if it had never been: whatever it says of being destroyed.
    pub fn discard(&self, caller: Caller<'_>, id: ObjectId) -> Result<()> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        self.open(&store, known, Act::Destroy, &ObjectRef::Stored(id))?;
        store.delete(known.viewer(), id)?;
        self.cache.remove(id);
        Ok(())
    }

    pub(super) fn remove(&self, caller: Caller<'_>, object: &ObjectRef) -> Result<()> {
        match object {
            ObjectRef::Held(held) => check_destroying(self.recognize(caller)?, local(held)?),
            ObjectRef::Stored(id) => {
                let store = self.store()?;
                let known = self.know(&store, caller)?;
                check_destroying(known, &*self.load(&store, known, *id)?)?;
                store.delete(known.viewer(), *id)?;
                self.cache.remove(*id);
                Ok(())
            }
        }
    }
}

/// Whether `known` may destroy an object, and it may be destroyed (`ActionProhibited`).
fn check_destroying(known: Known<'_>, object: &LocalObject) -> Result<()> {
    access::check(Act::Destroy, known.who(), object)?;
    // Objects of older records have no such attribute: only an explicit false forbids.
    match object.holding(ck::CKA_DESTROYABLE).bool(ck::CKA_DESTROYABLE) {
        Some(false) => Err(Error::ActionProhibited),
        _ => Ok(()),
    }
}

/// An object in use, wherever it came from.
pub(super) enum Opened<'a> {
    Stored(Arc<LocalObject>),
    Held(&'a LocalObject),
}

impl Deref for Opened<'_> {
    type Target = LocalObject;
    fn deref(&self) -> &LocalObject {
        match self {
            Opened::Stored(object) => object,
            Opened::Held(held) => held,
        }
    }
}

/// A session object of this token. One that another token made is `ObjectHandleInvalid`.
pub(super) fn local(held: &Arc<dyn HeldObject>) -> Result<&LocalObject> {
    held.as_any().downcast_ref().ok_or(Error::ObjectHandleInvalid)
}
