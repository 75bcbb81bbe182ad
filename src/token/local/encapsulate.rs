//! Secrets agreed on by encapsulation (PKCS#11 3.2, section 5.18): one side makes a key with the other's public key, and the
//! other makes the same with its private key.
//!
//! What the standard says of the new key, on either side, is what it says of an unwrapped one.

use super::LocalToken;
use super::access::Act;
use super::make::{
    complete, imposed, key_error, needs_no_pin, new_object, secret_base, unwrapping_error, wanted,
};
use super::operate::Working;
use super::ticket::Known;
use crate::attribute::{Attributes, Bytes};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, encoding};
use crate::object::template::{self, Cast, Mould, Origin};
use crate::token::{Caller, Encapsulated, ObjectRef, Template};
use cryptoki_sys as ck;
use std::borrow::Cow;
use std::slice;

/// What a private key demands of the keys it decapsulates. By RSA it unwraps them, by ECDH it derives them: what it demands of those
/// is not to be had around.
const TEMPLATES: [u64; 3] = [ck::CKA_DECAPSULATE_TEMPLATE, ck::CKA_UNWRAP_TEMPLATE, ck::CKA_DERIVE_TEMPLATE];

impl LocalToken {
    pub(super) fn encapsulate_key(
        &self,
        caller: Caller<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        template: &Template,
        room: Option<&mut [u8]>,
    ) -> Result<Encapsulated> {
        self.admit(mechanism)?;
        let known = self.recognize(caller)?;
        let opened = self.reach(known, Act::Use, key).map_err(key_error)?;
        Working::new(&opened, mechanism).check(ck::CKF_ENCAPSULATE, ck::CKA_ENCAPSULATE)?;
        let (family, public) = (mechanism.row.family, opened.key()?);
        let size = family.ciphertext_size(public, &mechanism.params)?;
        let Some(room) = room.and_then(|room| room.get_mut(..size)) else {
            return Ok(Encapsulated::Size(size));
        };
        let mould = self.mould_with(Origin::Unwrap, known, secret_base(template), template)?;
        let secret = family.encapsulate(public, &mechanism.params, wanted(mould.given())?, room)?;
        let mut object = new_object(known, shared_key(&mould, &secret)?)?;
        let kind = ck::CKA_ENCAPSULATE_TEMPLATE;
        match opened.holding(kind).template(kind) {
            Some(asked) if !template::satisfies(asked, &object.info()?.attributes) => {
                return Err(Error::TemplateInconsistent);
            }
            _ => {}
        }
        self.keep(known, slice::from_mut(&mut object))?;
        Ok(Encapsulated::Made(size, object.reference()))
    }

    pub(super) fn decapsulate(
        &self,
        known: Known<'_>,
        mechanism: &Mechanism,
        key: &ObjectRef,
        ciphertext: &[u8],
        template: &Attributes,
    ) -> Result<Cast> {
        self.admit(mechanism)?;
        let private = self.reach(known, Act::Use, key).map_err(unwrapping_error)?;
        let decapsulating = Working::new(&private, mechanism);
        decapsulating.check(ck::CKF_DECAPSULATE, ck::CKA_DECAPSULATE).map_err(unwrapping_error)?;
        needs_no_pin(&private)?;
        let impose = |template, kind: &u64| imposed(&private, *kind, template);
        let template = TEMPLATES.iter().try_fold(Cow::Borrowed(template), impose)?;
        let mould = self.mould(Origin::Unwrap, known, secret_base(&template), &template)?;
        let (family, wanted) = (mechanism.row.family, wanted(mould.given())?);
        let secret = family.decapsulate(private.key()?, &mechanism.params, ciphertext, wanted)?;
        shared_key(&mould, &secret)
    }
}

/// The whole of a secret key with that value.
fn shared_key(mould: &Mould, secret: &Bytes) -> Result<Cast> {
    let key_type = mould.given().ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    complete(mould, encoding::decode(ck::CKO_SECRET_KEY, key_type, secret)?)
}
