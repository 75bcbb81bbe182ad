//! Encrypt and Decrypt.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cipher::{Cipher, Source};
use super::context::{self, Context};
use super::recipient::{self, Recipient};
use super::{aead, blob};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::hsm::Trouble;
use crate::keys::record::{KeyRecord, Material};
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};
use crate::stores::xks;

/// The request of Encrypt.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct EncryptRequest {
    pub key_id: String,
    pub plaintext: Blob,
    pub encryption_context: Option<Context>,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub encryption_algorithm: Option<String>,
    pub dry_run: Option<bool>,
}

/// The answer of Encrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct EncryptResponse {
    pub ciphertext_blob: Blob,
    pub key_id: String,
    pub encryption_algorithm: String,
}

/// Encrypt: at most 4 KB under a symmetric key's current material, less under an RSA key.
pub fn encrypt(call: &Call, request: EncryptRequest) -> Result<EncryptResponse> {
    let cipher = Cipher::new(request.encryption_algorithm.as_ref(), request.encryption_context.as_ref());
    let ask = Ask::to("Encrypt")
        .context(cipher.context)
        .tokens(&request.grant_tokens)
        .fact("kms:EncryptionAlgorithm", cipher.algorithm);
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    cipher.suits(&key, "Encrypt")?;
    call.dry_run(request.dry_run)?;
    let encrypted = cipher.encrypt(call, &key, &request.plaintext)?;
    call.used(&key);
    Ok(EncryptResponse {
        ciphertext_blob: encrypted.ciphertext.into(),
        key_id: key.arn.to_string(),
        encryption_algorithm: cipher.algorithm.to_owned(),
    })
}

/// The request of Decrypt.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DecryptRequest {
    pub ciphertext_blob: Option<Blob>,
    pub encryption_context: Option<Context>,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub key_id: Option<String>,
    pub encryption_algorithm: Option<String>,
    pub recipient: Option<Recipient>,
    pub dry_run: Option<bool>,
    #[serde(default)]
    pub dry_run_modifiers: Vec<String>,
}

/// The answer of Decrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DecryptResponse {
    pub key_id: String,
    pub plaintext: Blob,
    pub encryption_algorithm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// Decrypt: finds a symmetric key by the blob.
pub fn decrypt(call: &Call, request: DecryptRequest) -> Result<DecryptResponse> {
    recipient::refuse(request.recipient.as_ref())?;
    let cipher = Cipher::new(request.encryption_algorithm.as_ref(), request.encryption_context.as_ref());
    let source = Source {
        key: request.key_id.as_deref(),
        ciphertext: request.ciphertext_blob.as_deref(),
        cipher,
        dry_run: request.dry_run,
        dry_run_modifiers: &request.dry_run_modifiers,
    };
    let key = source.find(call)?;
    let ask = Ask::to("Decrypt")
        .context(cipher.context)
        .tokens(&request.grant_tokens)
        .fact("kms:EncryptionAlgorithm", cipher.algorithm);
    call.admit(&key, &ask, Need::Material)?;
    cipher.suits(&key, "Decrypt")?;
    let decrypted = source.open(call, &key)?;
    call.used(&key);
    Ok(DecryptResponse {
        key_id: key.arn.to_string(),
        plaintext: decrypted.plaintext.into(),
        encryption_algorithm: cipher.algorithm.to_owned(),
        key_material_id: decrypted.material,
    })
}

/// Encrypts under a symmetric key's current material, in its key store: the blob, and the material's id.
pub fn seal(
    call: &Call,
    key: &Key,
    context: Option<&Context>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, String)> {
    let material = key.current()?;
    let header = blob::header(&key.record.account, key.id(), &material.id).ok_or_else(broken)?;
    let aad = [&header[..], &context::encode(context)].concat();
    let token = call.token(&key.record)?;
    let body = call
        .service
        .handles
        .with(&token, &key.record, material, |handle| aead::seal(&token, handle, &aad, plaintext))?;
    let body = xks::seal(call, key, &aad, body)?;
    Ok(([header, body].concat(), material.id.clone()))
}

/// Decrypts a blob under the material it names, in its key's store.
pub fn open(
    call: &Call,
    key: &Key,
    blob: &blob::Blob,
    context: Option<&Context>,
) -> Result<Zeroizing<Vec<u8>>> {
    let material = material_of(&key.record, blob)?;
    let aad = [blob.header, &context::encode(context)].concat();
    let token = call.token(&key.record)?;
    let body = xks::open(call, key, &aad, blob.body)?;
    call.service
        .handles
        .with(&token, &key.record, material, |handle| match aead::open(&token, handle, &aad, &body) {
            Err(Trouble::BadData) => Ok(None),
            result => result.map(Some),
        })?
        .ok_or_else(blob::invalid)
}

fn material_of<'a>(key: &'a KeyRecord, blob: &blob::Blob) -> Result<&'a Material> {
    key.material(&blob.material).ok_or_else(blob::invalid)
}

fn broken() -> crate::api::error::Fault {
    Code::KMSInternalException.because("The key's record can't be used.")
}
