//! What decides whether a key may be used with a mechanism: known from the attributes that are no secret, so a caller's side can
//! tell early what the token will tell again.

use super::{Operation, clock};
use crate::attribute::{AttributeType, Attributes};
use crate::error::{Error, Result};
use crate::mechanism::{Key, Material, Mechanism, Purpose, Unit};
use crate::object::template;
use cryptoki_sys as ck;
use once_cell::unsync::OnceCell;

/// A key about to be used with a mechanism.
pub(super) struct Usage<'a> {
    /// Its attributes that are no secret.
    pub attributes: &'a Attributes,
    /// The mechanism.
    pub mechanism: &'a Mechanism,
}

impl Usage<'_> {
    /// All that decides whether the key may be used so: `flag` the mechanism's (`CKF_`), `permission` the key's
    /// (`CKA_`), `size` the key's as mechanisms count it, asked for last.
    pub fn check(
        &self,
        flag: u64,
        permission: AttributeType,
        size: impl FnOnce() -> Result<u64>,
    ) -> Result<()> {
        let row = self.mechanism.row;
        self.mechanism.require(flag)?;
        let class = self.attributes.ulong(ck::CKA_CLASS);
        if !matches!(class, Some(ck::CKO_PUBLIC_KEY | ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY)) {
            return Err(Error::KeyHandleInvalid);
        }
        let key_type = self.attributes.ulong(ck::CKA_KEY_TYPE);
        let fits = |known: &u64| Some(*known) == key_type;
        if !row.key_types.is_empty() && !row.key_types.iter().any(fits) {
            return Err(Error::KeyTypeInconsistent);
        }
        if class != Some(ck::CKO_SECRET_KEY) && class != Some(half_for(permission)) {
            return Err(Error::KeyTypeInconsistent);
        }
        if !self.attributes.is_true(permission) || !self.mechanism_allowed() || !self.in_validity() {
            return Err(Error::KeyFunctionNotPermitted);
        }
        let (least, most) = row.sizes;
        if !(least..=most).contains(&size()?) && row.unit != Unit::None {
            return Err(Error::KeySizeRange);
        }
        Ok(())
    }

    fn mechanism_allowed(&self) -> bool {
        template::allows(self.attributes, self.mechanism.row.id)
    }

    fn in_validity(&self) -> bool {
        !is_dated(self.attributes) || template::in_validity(self.attributes, &clock::today())
    }
}

/// Whether it depends on the day if a key may be used.
pub(super) fn is_dated(attributes: &Attributes) -> bool {
    let given = |kind| attributes.bytes(kind).is_some_and(|date| !date.is_empty());
    given(ck::CKA_START_DATE) || given(ck::CKA_END_DATE)
}

/// Which half of a pair a permission belongs to (secret keys have all of them).
fn half_for(permission: AttributeType) -> u64 {
    const PUBLIC: &[AttributeType] =
        &[ck::CKA_ENCRYPT, ck::CKA_VERIFY, ck::CKA_VERIFY_RECOVER, ck::CKA_WRAP, ck::CKA_ENCAPSULATE];
    if PUBLIC.contains(&permission) { ck::CKO_PUBLIC_KEY } else { ck::CKO_PRIVATE_KEY }
}

/// Bytes of the ciphertext that an encapsulation with a public key makes, if it may be used so. `attributes`: the key's,
/// all of which are public.
pub(super) fn ciphertext_size(attributes: &Attributes, mechanism: &Mechanism) -> Result<usize> {
    let material = OnceCell::new();
    let material = || material.get_or_try_init(|| Material::stand_in(attributes));
    let usage = Usage { attributes, mechanism };
    usage.check(ck::CKF_ENCAPSULATE, ck::CKA_ENCAPSULATE, || Ok(material()?.size()))?;
    let key = Key { attributes, material: material()? };
    mechanism.row.family.ciphertext_size(key, &mechanism.params)
}

/// Begins an operation with a key that may be used so.
pub(super) fn begin(purpose: Purpose, mechanism: &Mechanism, key: Key<'_>) -> Result<Operation> {
    let (family, params) = (mechanism.row.family, &mechanism.params);
    Ok(match purpose {
        Purpose::Encrypt => Operation::Cipher(family.encrypt(key, params)?),
        Purpose::Decrypt => Operation::Cipher(family.decrypt(key, params)?),
        Purpose::Digest => Operation::Digester(family.digest(params)?),
        Purpose::Sign => Operation::Signer(family.sign(key, params)?),
        Purpose::SignRecover => Operation::Cipher(family.sign_recover(key, params)?),
        Purpose::Verify | Purpose::VerifySignature => Operation::Verifier(family.verify(key, params)?),
        Purpose::VerifyRecover => Operation::Cipher(family.verify_recover(key, params)?),
    })
}
