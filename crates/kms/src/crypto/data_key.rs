//! GenerateDataKey and GenerateDataKeyWithoutPlaintext: random bytes of the HSM, and the same under a KMS key.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::random;
use super::wrapped::Under;
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::service::Call;
use crate::stores::keys::refused;

/// The request of both.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateDataKeyRequest {
    #[serde(flatten)]
    pub under: Under,
    pub number_of_bytes: Option<usize>,
    pub key_spec: Option<String>,
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
    request.under.refuse_recipient()?;
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
    let under = &request.under;
    let key = under.open(call, &under.ask(action))?;
    call.dry_run(under.dry_run)?;
    let token = call.token(&key.record)?;
    let plaintext = random::bytes(&token, size).map_err(|trouble| refused(&key.record, trouble))?;
    let wrapped = under.seal(call, &key, &plaintext)?;
    let answer = GenerateDataKeyResponse {
        ciphertext_blob: wrapped.ciphertext,
        plaintext: None,
        key_id: wrapped.key,
        key_material_id: wrapped.material,
    };
    Ok((answer, plaintext))
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
