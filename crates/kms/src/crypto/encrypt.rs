//! Encrypt and Decrypt.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::context::{self, Context};
use super::{aead, blob};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::hsm::Trouble;
use crate::keys::arn::KeyArn;
use crate::keys::record::{KeyRecord, Material};
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

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

/// Encrypt: at most 4 KB, under the key's current material.
pub fn encrypt(call: &Call, request: EncryptRequest) -> Result<EncryptResponse> {
    let algorithm = request.encryption_algorithm.unwrap_or_else(|| SYMMETRIC.to_owned());
    let ask = Ask::to("Encrypt")
        .context(request.encryption_context.as_ref())
        .tokens(&request.grant_tokens)
        .fact("kms:EncryptionAlgorithm", &algorithm);
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    key.must_be_for(Usage::EncryptDecrypt, "Encrypt")?;
    key.must_offer(&algorithm)?;
    call.dry_run(request.dry_run)?;
    let (ciphertext, _) = seal(call, &key, request.encryption_context.as_ref(), &request.plaintext)?;
    Ok(EncryptResponse {
        ciphertext_blob: ciphertext.into(),
        key_id: key.arn.to_string(),
        encryption_algorithm: algorithm,
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
    pub dry_run: Option<bool>,
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

/// Decrypt: finds the key by the blob.
pub fn decrypt(call: &Call, request: DecryptRequest) -> Result<DecryptResponse> {
    let algorithm = request.encryption_algorithm.unwrap_or_else(|| SYMMETRIC.to_owned());
    let ciphertext = request
        .ciphertext_blob
        .ok_or_else(|| Code::ValidationException.because("CiphertextBlob must not be null"))?;
    let parsed = blob::parse(&ciphertext)?;
    let ask = Ask::to("Decrypt")
        .context(request.encryption_context.as_ref())
        .tokens(&request.grant_tokens)
        .fact("kms:EncryptionAlgorithm", &algorithm);
    let key = call.open(&named_by(call, &parsed).to_string(), &ask, Need::Material)?;
    if let Some(named) = &request.key_id
        && call.key(named)?.arn != key.arn
    {
        return Err(Code::IncorrectKeyException
            .because("The key ID in the request does not identify a CMK that can perform this operation."));
    }
    key.must_be_for(Usage::EncryptDecrypt, "Decrypt")?;
    key.must_offer(&algorithm)?;
    call.dry_run(request.dry_run)?;
    let plaintext = open(call, &key, &parsed, request.encryption_context.as_ref())?;
    Ok(DecryptResponse {
        key_id: key.arn.to_string(),
        plaintext: plaintext.into(),
        encryption_algorithm: algorithm,
        key_material_id: Some(parsed.material),
    })
}

/// The key that a blob names, in the Region of the request.
pub fn named_by(call: &Call, blob: &blob::Blob) -> KeyArn {
    KeyArn { region: call.caller.region.clone(), account: blob.account.clone(), id: blob.key.clone() }
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
    call.service
        .handles
        .with(&token, &key.record, material, |handle| match aead::open(&token, handle, &aad, blob.body) {
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
