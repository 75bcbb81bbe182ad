//! Keys at work: what a key may be used for, and the operations begun with it.

use super::LocalToken;
use super::access::Act;
use super::clock;
use super::make::key_error;
use super::object::LocalObject;
use super::ticket::ticket_of;
use crate::attribute::AttributeType;
use crate::error::{Error, Result};
use crate::mechanism::{Digester, Material, Mechanism, Purpose, encoding};
use crate::object::template;
use crate::token::{Begun, Caller, ObjectRef, Operation};
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
        let row = self.mechanism.row;
        self.mechanism.require(flag)?;
        let class = self.key.class();
        if !matches!(class, Some(ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY)) {
            return Err(Error::KeyHandleInvalid);
        }
        let key_type = self.key.info.attributes.ulong(ck::CKA_KEY_TYPE);
        let fits = |known: &u64| Some(*known) == key_type;
        if !row.key_types.is_empty() && !row.key_types.iter().any(fits) {
            return Err(Error::KeyTypeInconsistent);
        }
        if class != Some(ck::CKO_SECRET_KEY) && class != Some(half_for(permission)) {
            return Err(Error::KeyTypeInconsistent);
        }
        if !self.key.is_true(permission) || !self.mechanism_allowed() || !self.in_validity() {
            return Err(Error::KeyFunctionNotPermitted);
        }
        let size = self.key.key()?.material.size();
        let (least, most) = row.sizes;
        if row.unit != crate::mechanism::Unit::None && !(least..=most).contains(&size) {
            return Err(Error::KeySizeRange);
        }
        Ok(())
    }

    fn mechanism_allowed(&self) -> bool {
        template::allows(&self.key.info.attributes, self.mechanism.row.id)
    }

    fn in_validity(&self) -> bool {
        let attributes = &self.key.info.attributes;
        let given = |kind| attributes.bytes(kind).is_some_and(|date| !date.is_empty());
        if !given(ck::CKA_START_DATE) && !given(ck::CKA_END_DATE) {
            return true;
        }
        template::in_validity(attributes, &clock::today())
    }
}

/// Which half of a pair a permission belongs to (secret keys have all of them).
fn half_for(permission: AttributeType) -> u64 {
    const PUBLIC: &[AttributeType] =
        &[ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP, ck::CKA_ENCAPSULATE];
    if PUBLIC.contains(&permission) { ck::CKO_PUBLIC_KEY } else { ck::CKO_PRIVATE_KEY }
}

impl LocalToken {
    pub(super) fn begin_operation(
        &self,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: &ObjectRef,
    ) -> Result<Begun> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let opened = self.open(&store, known, Act::Use, key).map_err(key_error)?;
        let object = opened.get()?;
        let permission = purpose.permission().ok_or(Error::KeyNotNeeded)?;
        Working::new(object, mechanism).check(purpose.flag(), permission)?;
        let operation = begun(purpose, mechanism, object)?;
        if object.is_true(ck::CKA_ALWAYS_AUTHENTICATE) && !confirmed(caller)? {
            return Ok(Begun::PinFirst);
        }
        Ok(Begun::Ready(operation))
    }

    pub(super) fn feed_key(
        &self,
        caller: Caller<'_>,
        key: &ObjectRef,
        digester: &mut dyn Digester,
    ) -> Result<()> {
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let opened = self.open(&store, known, Act::Use, key).map_err(key_error)?;
        let key = opened.get()?;
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
        let store = self.store()?;
        let known = self.know(&store, caller)?;
        let wrapping = self.open(&store, known, Act::Use, wrapping).map_err(wrapping_error)?;
        let wrapping = wrapping.get()?;
        Working::new(wrapping, mechanism).check(ck::CKF_WRAP, ck::CKA_WRAP).map_err(wrapping_error)?;
        let key = self.open(&store, known, Act::Use, key).map_err(key_error)?;
        let key = key.get()?;
        may_leave(key, wrapping)?;
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
    match wrapping.info.attributes.template(ck::CKA_WRAP_TEMPLATE) {
        Some(asked) if !template::satisfies(asked, &key.info.attributes) => Err(Error::KeyNotWrappable),
        _ => Ok(()),
    }
}

fn begun(purpose: Purpose, mechanism: &Mechanism, object: &LocalObject) -> Result<Operation> {
    let (family, params, key) = (mechanism.row.family, &mechanism.params, object.key()?);
    Ok(match purpose {
        Purpose::Encrypt => Operation::Cipher(family.encrypt(key, params)?),
        Purpose::Decrypt => Operation::Cipher(family.decrypt(key, params)?),
        Purpose::Digest => Operation::Digester(family.digest(params)?),
        Purpose::Sign => Operation::Signer(family.sign(key, params)?),
        Purpose::SignRecover => Operation::Cipher(family.sign_recover(key, params)?),
        Purpose::Verify => Operation::Verifier(family.verify(key, params)?),
        Purpose::VerifyRecover => Operation::Cipher(family.verify_recover(key, params)?),
    })
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
