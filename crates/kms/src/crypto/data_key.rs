//! GenerateDataKey and GenerateDataKeyWithoutPlaintext: random bytes of the HSM, and the same under a KMS key. Nothing is remembered of them.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cipher::SYMMETRIC;
use super::context::Context;
use super::recipient::{self, Recipient};
use super::{encrypt, random};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};
use crate::stores::keys::refused;

/// The request of both.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateDataKeyRequest {
    pub key_id: String,
    pub encryption_context: Option<Context>,
    pub number_of_bytes: Option<usize>,
    pub key_spec: Option<String>,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub recipient: Option<Recipient>,
    pub dry_run: Option<bool>,
}

/// The answer of both; without the plaintext for those who asked for none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateDataKeyResponse {
    pub ciphertext_blob: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Blob>,
    pub key_id: String,
    pub key_material_id: String,
}

/// GenerateDataKey.
pub fn generate_data_key(call: &Call, request: GenerateDataKeyRequest) -> Result<GenerateDataKeyResponse> {
    recipient::refuse(request.recipient.as_ref())?;
    let (mut answer, plaintext) = generate(call, "GenerateDataKey", request)?;
    answer.plaintext = Some(plaintext.into());
    Ok(answer)
}

/// GenerateDataKeyWithoutPlaintext.
pub fn generate_data_key_without_plaintext(
    call: &Call,
    request: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse> {
    generate(call, "GenerateDataKeyWithoutPlaintext", request).map(|(answer, _)| answer)
}

fn generate(
    call: &Call,
    action: &'static str,
    request: GenerateDataKeyRequest,
) -> Result<(GenerateDataKeyResponse, Zeroizing<Vec<u8>>)> {
    let size = size(&request)?;
    let ask = Ask::to(action).context(request.encryption_context.as_ref()).tokens(&request.grant_tokens);
    let key = call.open(&request.key_id, &ask.fact("kms:EncryptionAlgorithm", SYMMETRIC), Need::Material)?;
    must_wrap(&key, action)?;
    call.dry_run(request.dry_run)?;
    let token = call.token(&key.record)?;
    let plaintext = random::bytes(&token, size).map_err(|trouble| refused(&key.record, trouble))?;
    let (ciphertext, material) = encrypt::seal(call, &key, request.encryption_context.as_ref(), &plaintext)?;
    call.used(&key);
    let answer = GenerateDataKeyResponse {
        ciphertext_blob: ciphertext.into(),
        plaintext: None,
        key_id: key.arn.to_string(),
        key_material_id: material,
    };
    Ok((answer, plaintext))
}

/// Whether data keys may be encrypted under `key`: only under a symmetric one.
pub fn must_wrap(key: &Key, operation: &str) -> Result<()> {
    key.must_be_for(Usage::EncryptDecrypt, operation)?;
    if key.record.spec.is_symmetric() {
        return Ok(());
    }
    Err(Code::InvalidKeyUsageException.because(format!(
        "{} key spec is {} which is not valid for {operation}.",
        key.arn, key.record.spec.name
    )))
}

/// The bytes that are asked for, one way or the other.
fn size(request: &GenerateDataKeyRequest) -> Result<usize> {
    match (request.key_spec.as_deref(), request.number_of_bytes) {
        (Some("AES_128"), None) => Ok(16),
        (Some(_), None) => Ok(32),
        (None, Some(bytes)) => Ok(bytes),
        _ => Err(Code::ValidationException.because("Please specify either number of bytes or key spec.")),
    }
}
