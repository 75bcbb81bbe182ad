//! What is done with an external key.

use super::Proxy;
use super::keys::{self, Key};
use super::vault::{KeyName, Vault, VaultError};
use crate::xks::protocol::binding::{bound_aad, integrity_value};
use crate::xks::protocol::limits::{IV_BYTES, TAG_BYTES};
use crate::xks::protocol::messages::{
    AES_256, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, KeyMetadataResponse, KeyStatus,
};
use crate::xks::protocol::{Blob, ErrorName, Failure, limits};
use zeroize::Zeroizing;

/// How often an encryption is tried of which the check decryption does not give the plaintext back.
const TRIES: usize = 2;

impl Proxy {
    pub(super) async fn metadata(&self, key: &Key) -> Result<KeyMetadataResponse, Failure> {
        let (_, name) = newest(key)?;
        let name = name.clone();
        let mut usages = self.workers.run(move |vault| vault.usages(&name)).await?;
        let usable = usages.iter().any(|usage| matches!(*usage, "ENCRYPT" | "DECRYPT"));
        let key_status = if usable { key.status } else { KeyStatus::Disabled };
        usages.truncate(limits::KEY_USAGES);
        let key_usage = usages.into_iter().map(str::to_owned).collect();
        Ok(KeyMetadataResponse { key_spec: AES_256.to_owned(), key_usage, key_status })
    }

    /// The answer, and the version of the key that encrypted.
    pub(super) async fn encrypt(
        &self,
        key: &Key,
        request: EncryptRequest,
    ) -> Result<(EncryptResponse, u32), Failure> {
        check_enabled(key)?;
        let (version, name) = newest(key)?;
        let sealing = Sealing {
            key: name.clone(),
            iv_bytes: self.iv_bytes,
            aad: request.additional_authenticated_data.unwrap_or_default(),
            metadata: keys::metadata(version),
            plaintext: request.plaintext,
            with_integrity_value: request.ciphertext_data_integrity_value_algorithm.is_some(),
        };
        Ok((self.workers.run(move |vault| sealing.seal(vault)).await?, version))
    }

    /// The answer, and the version of the key that decrypted.
    pub(super) async fn decrypt(
        &self,
        key: &Key,
        request: DecryptRequest,
    ) -> Result<(DecryptResponse, u32), Failure> {
        check_enabled(key)?;
        if !IV_BYTES.contains(&request.initialization_vector.len()) {
            let why = "initializationVector has neither 12 nor 16 bytes";
            return Err(ErrorName::InvalidCiphertextException.because(why));
        }
        if request.authentication_tag.len() != TAG_BYTES {
            return Err(
                ErrorName::InvalidCiphertextException.because("authenticationTag does not have 16 bytes")
            );
        }
        let metadata = request.ciphertext_metadata.unwrap_or_default();
        let (version, name) = key.of_metadata(&metadata)?;
        let name = name.clone();
        let aad = bind(request.additional_authenticated_data.as_deref().unwrap_or(&[]), &metadata)?;
        let sealed = [&*request.ciphertext, &*request.authentication_tag].concat();
        let iv = request.initialization_vector;
        let plaintext = self.workers.run(move |vault| vault.decrypt(&name, &iv, &aad, &sealed)).await?;
        Ok((DecryptResponse { plaintext: plaintext.into() }, version))
    }
}

/// Settings without any version are refused before.
fn newest(key: &Key) -> Result<(u32, &KeyName), Failure> {
    key.newest().ok_or_else(|| ErrorName::KeyNotFoundException.because("this key has no version"))
}

fn check_enabled(key: &Key) -> Result<(), Failure> {
    match key.status {
        KeyStatus::Enabled => Ok(()),
        KeyStatus::Disabled => Err(ErrorName::InvalidStateException.because("this key is disabled")),
    }
}

fn bind(aad: &[u8], metadata: &[u8]) -> Result<Vec<u8>, Failure> {
    let too_long = || {
        ErrorName::ValidationException
            .because("additionalAuthenticatedData or ciphertextMetadata is too long")
    };
    bound_aad(aad, metadata).ok_or_else(too_long)
}

/// An encryption to be done.
struct Sealing {
    key: KeyName,
    iv_bytes: usize,
    aad: Blob,
    metadata: Vec<u8>,
    plaintext: Blob,
    with_integrity_value: bool,
}

impl Sealing {
    fn seal(&self, vault: &dyn Vault) -> Result<EncryptResponse, Failure> {
        let bound = bind(&self.aad, &self.metadata)?;
        for _ in 0..TRIES {
            // The integrity value is made before the check, so that what goes bad after the check shows (appendix C).
            let response = self.encrypted(vault, &bound)?;
            if self.is_whole(vault, &bound, &response)? {
                return Ok(response);
            }
        }
        let why = "what it encrypted does not decrypt to what was given".to_owned();
        Err(VaultError::Failed(why).into())
    }

    fn encrypted(&self, vault: &dyn Vault, bound: &[u8]) -> Result<EncryptResponse, Failure> {
        let iv = vault.random(self.iv_bytes)?;
        let mut ciphertext = vault.encrypt(&self.key, &iv, bound, &self.plaintext)?;
        if Some(ciphertext.len()) != self.plaintext.len().checked_add(TAG_BYTES) || iv.len() != self.iv_bytes
        {
            return Err(VaultError::Failed(
                "ciphertext or initialization vector is of a wrong length".to_owned(),
            )
            .into());
        }
        let tag = ciphertext.split_off(self.plaintext.len());
        let value = self
            .with_integrity_value
            .then(|| integrity_value(&self.aad, &self.metadata, &iv, &ciphertext, &tag).to_vec().into());
        Ok(EncryptResponse {
            ciphertext: ciphertext.into(),
            ciphertext_metadata: Some(self.metadata.clone().into()),
            initialization_vector: iv.into(),
            authentication_tag: tag.into(),
            ciphertext_data_integrity_value: value,
        })
    }

    /// Whether the answer decrypts to the plaintext. A key that only encrypts can't be checked, and then makes no integrity value.
    fn is_whole(&self, vault: &dyn Vault, bound: &[u8], response: &EncryptResponse) -> Result<bool, Failure> {
        let sealed = [&*response.ciphertext, &*response.authentication_tag].concat();
        match vault.decrypt(&self.key, &response.initialization_vector, bound, &sealed) {
            Ok(plaintext) => Ok(is_same(&plaintext, &self.plaintext)),
            Err(VaultError::Corrupted) => Ok(false),
            Err(VaultError::NotPermitted(_)) if !self.with_integrity_value => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_same(one: &Zeroizing<Vec<u8>>, other: &[u8]) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one, other)
}
