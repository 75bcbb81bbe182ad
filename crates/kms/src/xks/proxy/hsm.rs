//! The vault of a PKCS#11 token.

use super::vault::{KeyName, Result, Token, Usages, Vault, VaultError};
use crate::hsm::{self, Trouble};
use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;
use parking_lot::RwLock;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Of a key that the API has: AES of 256 bits.
const KEY_BYTES: u64 = 32;
/// Of tags, as the mechanism counts them.
const TAG_BITS: u64 = 128;

/// What attributes of a key are called in the specification's `keyUsage`.
const USAGES: [(AttributeType, &str); 7] = [
    (AttributeType::Encrypt, "ENCRYPT"),
    (AttributeType::Decrypt, "DECRYPT"),
    (AttributeType::Wrap, "WRAP"),
    (AttributeType::Unwrap, "UNWRAP"),
    (AttributeType::Sign, "SIGN"),
    (AttributeType::Verify, "VERIFY"),
    (AttributeType::Derive, "DERIVE"),
];

/// Keys of one token.
pub struct TokenVault {
    token: hsm::Token,
    /// Where keys were last found. A key that is destroyed leaves a handle behind that the token refuses.
    handles: RwLock<HashMap<KeyName, ObjectHandle>>,
}

impl TokenVault {
    /// Of a token that is logged in to.
    pub fn new(token: hsm::Token) -> TokenVault {
        TokenVault { token, handles: RwLock::default() }
    }

    /// Does `work` with the key's handle; if that has gone stale, with the one that the key has now.
    fn with_key<T>(
        &self,
        key: &KeyName,
        work: impl Fn(&Session, ObjectHandle) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        let known = self.handles.read().get(key).copied();
        if let Some(handle) = known {
            match self.token.with(|session| work(session, handle)) {
                Err(Trouble::NoObject) => self.handles.write().remove(key),
                result => return result.map_err(failed),
            };
        }
        let handle = self.find(key)?;
        self.handles.write().insert(key.clone(), handle);
        match self.token.with(|session| work(session, handle)) {
            Err(Trouble::NoObject) => Err(VaultError::NotFound(key.to_string())),
            result => result.map_err(failed),
        }
    }

    /// The one secret key of this name, which must be of the kind that the API has.
    fn find(&self, key: &KeyName) -> Result<ObjectHandle> {
        let mut template = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true)];
        template.extend(key.label.as_ref().map(|label| Attribute::Label(label.as_bytes().to_vec())));
        template.extend(key.id.clone().map(Attribute::Id));
        let found = self.token.find(&template).map_err(failed)?;
        let handle = match found[..] {
            [] if self.token.find_any(&template).map_err(failed)?.is_empty() => {
                return Err(VaultError::NotFound(key.to_string()));
            }
            [] => {
                let why =
                    format!("the key with {key} is not private: it may have been put there without a PIN");
                return Err(VaultError::WrongKind(why));
            }
            [handle] => handle,
            _ => return Err(VaultError::Failed(format!("the token has several keys with {key}"))),
        };
        let kind = [AttributeType::KeyType, AttributeType::ValueLen];
        let kind = self.token.with(|session| session.get_attributes(handle, &kind)).map_err(failed)?;
        let aes = kind.contains(&Attribute::KeyType(KeyType::AES));
        match aes && kind.contains(&Attribute::ValueLen(Ulong::new(KEY_BYTES))) {
            true => Ok(handle),
            false => Err(VaultError::WrongKind(format!("the key with {key} is no 256-bit AES key"))),
        }
    }

    /// Why the token refused `usage` of a key: it may not be allowed to the key.
    fn refused(&self, key: &KeyName, usage: &str, error: VaultError) -> VaultError {
        let VaultError::Failed(_) = error else { return error };
        match self.usages(key) {
            Ok(usages) if !usages.contains(&usage) => VaultError::NotPermitted(format!(
                "the key with {key} is not allowed to {}",
                usage.to_lowercase()
            )),
            _ => error,
        }
    }
}

impl Vault for TokenVault {
    fn usages(&self, key: &KeyName) -> Result<Usages> {
        let wanted = USAGES.map(|(attribute, _)| attribute);
        let attributes = self.with_key(key, |session, handle| session.get_attributes(handle, &wanted))?;
        let is_set = |wanted: AttributeType| {
            attributes.iter().any(|attribute| attribute.attribute_type() == wanted && is_true(attribute))
        };
        Ok(USAGES.into_iter().filter(|(attribute, _)| is_set(*attribute)).map(|(_, usage)| usage).collect())
    }

    fn random(&self, bytes: usize) -> Result<Vec<u8>> {
        let filled = self.token.with(|session| {
            let mut random = vec![0; bytes];
            session.generate_random_slice(&mut random).map(|()| random)
        });
        filled.map_err(failed)
    }

    fn encrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let encrypted = self.with_key(key, |session, handle| {
            let mut iv = iv.to_vec();
            session.encrypt(&Mechanism::AesGcm(gcm(&mut iv, aad)?), handle, plaintext)
        });
        encrypted.map_err(|error| self.refused(key, "ENCRYPT", error))
    }

    fn decrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let decrypted = self.with_key(key, |session, handle| {
            let mut iv = iv.to_vec();
            session.decrypt(&Mechanism::AesGcm(gcm(&mut iv, aad)?), handle, sealed).map(Zeroizing::new)
        });
        decrypted.map_err(|error| self.refused(key, "DECRYPT", error))
    }

    fn token(&self) -> Result<Token> {
        let info = self.token.info().map_err(failed)?;
        let (hardware, firmware) = (info.hardware_version(), info.firmware_version());
        Ok(Token {
            serial: info.serial_number().to_owned(),
            vendor: info.manufacturer_id().to_owned(),
            model: format!("{} {hardware}, firmware {firmware}", info.model()),
        })
    }
}

fn gcm<'a>(iv: &'a mut [u8], aad: &'a [u8]) -> std::result::Result<GcmParams<'a>, Error> {
    GcmParams::new(iv, aad, Ulong::new(TAG_BITS))
}

fn is_true(attribute: &Attribute) -> bool {
    use Attribute::{Decrypt, Derive, Encrypt, Sign, Unwrap, Verify, Wrap};
    matches!(
        attribute,
        Encrypt(true) | Decrypt(true) | Wrap(true) | Unwrap(true) | Sign(true) | Verify(true) | Derive(true)
    )
}

fn failed(trouble: Trouble) -> VaultError {
    match trouble {
        Trouble::BadData => VaultError::Corrupted,
        other => VaultError::Failed(other.to_string()),
    }
}
