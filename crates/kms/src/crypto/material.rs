//! Key material in an HSM: found by its object id, made to its spec. The HSM never gives it out.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::types::Ulong;
use quick_cache::sync::Cache;

use super::{pair, template};
use crate::api::error::{Code, Result};
use crate::hsm::{Token, Trouble};
use crate::keys::record::{KeyRecord, Material};
use crate::keys::spec::{Family, Spec, Usage};
use crate::stores::keys::refused;

/// Where materials were last found, by the token's label and CKA_ID. Handles may go stale: whoever uses one asks again then.
pub struct Handles(Cache<(String, String), ObjectHandle>);

impl Default for Handles {
    fn default() -> Self {
        Self(Cache::new(100_000))
    }
}

impl Handles {
    /// Runs `work` with the secret or private key of `material`, found anew if its handle has gone stale.
    ///
    /// # Errors
    ///
    /// `KMSInvalidStateException` when the HSM has no such key any more: somebody removed it there.
    pub fn with<T>(
        &self,
        token: &Token,
        key: &KeyRecord,
        material: &Material,
        work: impl Fn(ObjectHandle) -> std::result::Result<T, Trouble>,
    ) -> Result<T> {
        let gone = || {
            Code::KMSInvalidStateException
                .because(format!("{} has no key material in its key store.", key.arn()))
        };
        let object = material.object.as_deref().ok_or_else(gone)?;
        let name = (token.label().to_owned(), object.to_owned());
        if let Some(handle) = self.0.get(&name) {
            match work(handle) {
                Err(Trouble::NoObject) => {
                    self.0.remove(&name);
                }
                result => return result.map_err(|trouble| refused(key, trouble)),
            }
        }
        let handle = find(token, object).map_err(|trouble| refused(key, trouble))?.ok_or_else(gone)?;
        self.0.insert(name, handle);
        match work(handle) {
            Err(Trouble::NoObject) => Err(gone()),
            result => result.map_err(|trouble| refused(key, trouble)),
        }
    }
}

/// The secret or private key with that CKA_ID.
pub fn find(token: &Token, object: &str) -> std::result::Result<Option<ObjectHandle>, Trouble> {
    let id = hex::decode(object).map_err(|_| Trouble::Other("a record names no object id".to_owned()))?;
    for class in [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY] {
        let found = token.find(&[Attribute::Class(class), Attribute::Id(id.clone())])?;
        if let Some(handle) = found.first() {
            return Ok(Some(*handle));
        }
    }
    Ok(None)
}

/// What [`make`] tells of a new key.
pub struct Made {
    /// Its public half (SubjectPublicKeyInfo, DER), if it has one.
    pub public_key: Option<Vec<u8>>,
}

/// Makes the material of a key of that kind and use in the HSM. `object` becomes its CKA_ID, `label` (the KMS key's ARN) its CKA_LABEL.
///
/// # Errors
///
/// `Unsupported` if the HSM has no such keys; nothing is left behind then.
pub fn make(
    token: &Token,
    spec: &Spec,
    usage: Usage,
    object: &[u8],
    label: &str,
) -> std::result::Result<Made, Trouble> {
    let kept = template::kept(spec, usage, object, label);
    let (mechanism, bytes) = match spec.family {
        Family::Symmetric => (Mechanism::AesKeyGen, AES_256),
        Family::Hmac(bytes) => (Mechanism::GenericSecretKeyGen, bytes),
        _ => return Ok(Made { public_key: Some(pair::keep(token, spec, usage, &kept)?) }),
    };
    generate(token, &mechanism, bytes, kept)?;
    Ok(Made { public_key: None })
}

/// Bytes of an AES-256 key.
const AES_256: usize = 32;

/// Makes an AES-256 key that never leaves the HSM. `object` becomes its CKA_ID, `label` (the KMS key's ARN) its CKA_LABEL.
pub fn generate_aes(token: &Token, object: &[u8], label: &str) -> std::result::Result<ObjectHandle, Trouble> {
    let symmetric = Spec::named("SYMMETRIC_DEFAULT")
        .ok_or_else(|| Trouble::Other("the table of kinds has no symmetric one".to_owned()))?;
    generate(
        token,
        &Mechanism::AesKeyGen,
        AES_256,
        template::kept(symmetric, Usage::EncryptDecrypt, object, label),
    )
}

fn generate(
    token: &Token,
    mechanism: &Mechanism,
    bytes: usize,
    mut kept: Vec<Attribute>,
) -> std::result::Result<ObjectHandle, Trouble> {
    kept.push(Attribute::ValueLen(Ulong::new(bytes as u64)));
    token.with(|session| session.generate_key(mechanism, &kept))
}
