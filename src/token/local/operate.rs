//! Keys at work: what a key may be used for, and the operations begun with it.

use super::LocalToken;
use super::access::Act;
use super::make::key_error;
use super::object::LocalObject;
use super::objects::Opened;
use super::ticket::ticket_of;
use crate::attribute::AttributeType;
use crate::error::{Error, Result};
use crate::mechanism::{Digester, Material, Mechanism, Purpose, encoding};
use crate::object::template;
use crate::store::Counter;
use crate::token::usage::{self, Usage};
use crate::token::{Begun, Caller, ObjectRef, Permit, Watch};
use cryptoki_sys as ck;

/// A key about to be used with a mechanism.
pub(super) struct Working<'a> {
    key: &'a LocalObject,
    mechanism: &'a Mechanism,
}

impl<'a> Working<'a> {
    pub fn new(key: &'a LocalObject, mechanism: &'a Mechanism) -> Self {
        Working { key, mechanism }
    }

    /// All that decides whether the key may be used so: `flag` the mechanism's (`CKF_`), `permission` the key's
    /// (`CKA_`).
    pub fn check(&self, flag: u64, permission: AttributeType) -> Result<()> {
        let usage = Usage { attributes: &self.key.info()?.attributes, mechanism: self.mechanism };
        usage.check(flag, permission, || Ok(self.key.key()?.material.size()))
    }
}

impl LocalToken {
    /// `MechanismInvalid` for a mechanism that this token does not offer.
    pub(super) fn admit(&self, mechanism: &Mechanism) -> Result<()> {
        if mechanism.row.is_offered(self.settings.legacy) { Ok(()) } else { Err(Error::MechanismInvalid) }
    }

    pub(super) fn begin_operation(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun> {
        self.admit(mechanism)?;
        let store = self.store()?;
        let seen = store.counter();
        let known = self.know(&store, caller)?;
        let object = self.open(&store, known, Act::Use, key).map_err(key_error)?;
        let permission = purpose.permission().ok_or(Error::KeyNotNeeded)?;
        Working::new(&object, mechanism).check(purpose.flag(), permission)?;
        let operation = usage::begin(purpose, mechanism, object.key()?)?;
        if object.is_true(ck::CKA_ALWAYS_AUTHENTICATE) {
            let ready = confirmed(caller)?;
            return Ok(if ready { Begun::Ready(operation, None) } else { Begun::PinFirst });
        }
        // A session object may be gone, and a day over, without any change in the store.
        let lasts = matches!(object, Opened::Stored(_)) && !usage::is_dated(&object.info()?.attributes);
        let permit = seen.filter(|_| lasts).map(|seen| Permit::new(store.watch(), seen));
        Ok(Begun::Ready(operation, permit))
    }

    pub(super) fn feed_key(
        &self,
        caller: Caller<'_>,
        key: &ObjectRef,
        digester: &mut dyn Digester,
    ) -> Result<()> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let key = self.open(&store, known, Act::Use, key).map_err(key_error)?;
        // A digest of what must stay inside would answer guesses at it.
        if !key.is_true(ck::CKA_EXTRACTABLE) {
            return Err(Error::KeyIndigestible);
        }
        match key.key().map_err(|_| Error::KeyIndigestible)?.material {
            Material::Secret(value) => digester.update(value),
            _ => Err(Error::KeyIndigestible),
        }
    }

    pub(super) fn wrap_key(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        wrapping: &ObjectRef,
        key: &ObjectRef,
    ) -> Result<Vec<u8>> {
        self.admit(mechanism)?;
        let known = self.recognize(caller)?;
        let wrapping = self.reach(known, Act::Use, wrapping).map_err(wrapping_error)?;
        Working::new(&wrapping, mechanism).check(ck::CKF_WRAP, ck::CKA_WRAP).map_err(wrapping_error)?;
        let key = self.reach(known, Act::Use, key).map_err(key_error)?;
        may_leave(&key, &wrapping)?;
        let encoded = encoding::encode(&key.all()?)?;
        mechanism.row.family.wrap(wrapping.key()?, &mechanism.params, &encoded)
    }
}

/// Whether `key` may leave the token under `wrapping` (PKCS#11 3.2, section 5.18.3).
fn may_leave(key: &LocalObject, wrapping: &LocalObject) -> Result<()> {
    if !matches!(key.class(), Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY)) {
        return Err(Error::KeyNotWrappable);
    }
    if !key.is_true(ck::CKA_EXTRACTABLE) {
        return Err(Error::KeyUnextractable);
    }
    if key.is_true(ck::CKA_WRAP_WITH_TRUSTED) && !wrapping.is_true(ck::CKA_TRUSTED) {
        return Err(Error::KeyNotWrappable);
    }
    match wrapping.holding(ck::CKA_WRAP_TEMPLATE).template(ck::CKA_WRAP_TEMPLATE) {
        Some(asked) if !template::satisfies(asked, &key.info()?.attributes) => Err(Error::KeyNotWrappable),
        _ => Ok(()),
    }
}

/// Whether the caller has just given its PIN again for this one use.
fn confirmed(caller: Caller<'_>) -> Result<bool> {
    match caller {
        Some(ticket) => Ok(ticket_of(ticket)?.take_confirmation()),
        None => Ok(false),
    }
}

/// `C_WrapKey` has its own names for what is wrong with its wrapping key.
fn wrapping_error(error: Error) -> Error {
    match error {
        Error::ObjectHandleInvalid | Error::KeyHandleInvalid => Error::WrappingKeyHandleInvalid,
        Error::KeyTypeInconsistent => Error::WrappingKeyTypeInconsistent,
        Error::KeySizeRange => Error::WrappingKeySizeRange,
        other => other,
    }
}

/// The store's counter moves with each change in it, whoever makes it.
impl Watch for Counter {
    fn value(&self) -> Option<u64> {
        Counter::value(self)
    }
}
