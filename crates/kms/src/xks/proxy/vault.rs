//! What a proxy needs of a key manager.

use super::settings::{HsmKey, Wrong};
use crate::xks::protocol::{ErrorName, Failure};
use std::fmt;
use zeroize::Zeroizing;

/// How a key of the token is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// `CKA_LABEL`, if that is given.
    pub label: Option<String>,
    /// `CKA_ID`, if that is given.
    pub id: Option<Vec<u8>>,
}

impl KeyName {
    /// As the settings have it.
    pub(super) fn of(key: &HsmKey) -> Result<KeyName, Wrong> {
        let id = key.id.as_ref().map(hex::decode).transpose();
        let id = id.map_err(|_| Wrong("a key's id is not hexadecimal".to_owned()))?;
        Ok(KeyName { label: key.label.clone(), id })
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.label, &self.id) {
            (Some(label), Some(id)) => write!(f, "label {label:?}, id {}", hex::encode(id)),
            (Some(label), None) => write!(f, "label {label:?}"),
            (None, id) => write!(f, "id {}", hex::encode(id.as_deref().unwrap_or(&[]))),
        }
    }
}

/// What a 256-bit AES key may do, in the specification's words: `ENCRYPT`, `DECRYPT`, `WRAP` ...
pub type Usages = Vec<&'static str>;

/// The token, as its health status shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its serial number.
    pub serial: String,
    /// Who made it.
    pub vendor: String,
    /// Product and version.
    pub model: String,
}

/// Why a key manager did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// There is no such key.
    NotFound(String),
    /// There is, but it is no 256-bit AES key.
    WrongKind(String),
    /// It is not allowed to do this.
    NotPermitted(String),
    /// Decryption found that the tag does not fit.
    Corrupted,
    /// It failed, or can't be reached.
    Failed(String),
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        use ErrorName::{
            InternalException, InvalidCiphertextException, InvalidKeyUsageException, KeyNotFoundException,
        };
        match error {
            VaultError::NotFound(key) => KeyNotFoundException.because(format!("the token has no key with {key}")),
            VaultError::WrongKind(what) => InvalidKeyUsageException.because(what),
            VaultError::NotPermitted(what) => InvalidKeyUsageException.because(what),
            VaultError::Corrupted => InvalidCiphertextException.because(
                "ciphertext, metadata, initialization vector, additional data or tag are not those of an encryption",
            ),
            VaultError::Failed(why) => InternalException.because(format!("the key manager failed: {why}")),
        }
    }
}

/// Result of what a key manager does.
pub type Result<T, E = VaultError> = std::result::Result<T, E>;

/// A key manager. Calls block; several threads call at once.
pub trait Vault: Send + Sync + 'static {
    /// What a key may do now. A key that is no 256-bit AES key is [`VaultError::WrongKind`].
    fn usages(&self, key: &KeyName) -> Result<Usages>;

    /// So many random bytes.
    fn random(&self, bytes: usize) -> Result<Vec<u8>>;

    /// AES-GCM with a tag of 16 bytes: ciphertext and tag.
    fn encrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>>;

    /// Its reverse. `sealed`: ciphertext and tag. A tag that does not fit is [`VaultError::Corrupted`].
    fn decrypt(&self, key: &KeyName, iv: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>>;

    /// The token.
    fn token(&self) -> Result<Token>;
}
