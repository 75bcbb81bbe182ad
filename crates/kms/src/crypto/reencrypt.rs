//! ReEncrypt: the plaintext never leaves the front.

use serde::{Deserialize, Serialize};

use super::cipher::{Cipher, Source};
use super::context::Context;
use crate::api::blob::Blob;
use crate::api::error::Result;
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ReEncryptRequest {
    pub ciphertext_blob: Option<Blob>,
    pub source_encryption_context: Option<Context>,
    pub source_key_id: Option<String>,
    pub destination_key_id: String,
    pub destination_encryption_context: Option<Context>,
    pub source_encryption_algorithm: Option<String>,
    pub destination_encryption_algorithm: Option<String>,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub dry_run: Option<bool>,
    #[serde(default)]
    pub dry_run_modifiers: Vec<String>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ReEncryptResponse {
    pub ciphertext_blob: Blob,
    pub source_key_id: String,
    pub key_id: String,
    pub source_encryption_algorithm: String,
    pub destination_encryption_algorithm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key_material_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_key_material_id: Option<String>,
}

/// ReEncrypt: the caller needs ReEncryptFrom on the source key and ReEncryptTo on the destination key.
pub fn re_encrypt(call: &Call, request: ReEncryptRequest) -> Result<ReEncryptResponse> {
    let from =
        Cipher::new(request.source_encryption_algorithm.as_ref(), request.source_encryption_context.as_ref());
    let to = Cipher::new(
        request.destination_encryption_algorithm.as_ref(),
        request.destination_encryption_context.as_ref(),
    );
    let source = Source {
        key: request.source_key_id.as_deref(),
        ciphertext: request.ciphertext_blob.as_deref(),
        cipher: from,
        dry_run: request.dry_run,
        dry_run_modifiers: &request.dry_run_modifiers,
    };
    let old = source.find(call)?;
    let new = call.key(&request.destination_key_id)?;
    let same = (old.arn == new.arn).to_string();
    let ask = |action, cipher: Cipher<'_>| {
        Ask::to(action)
            .tokens(&request.grant_tokens)
            .fact("kms:EncryptionAlgorithm", cipher.algorithm)
            .fact("kms:ReEncryptOnSameKey", same.clone())
    };
    call.admit(&old, &ask("ReEncryptFrom", from).context(from.context), Need::Material)?;
    call.admit(&new, &ask("ReEncryptTo", to).context(to.context), Need::Material)?;
    from.suits(&old, "ReEncrypt")?;
    to.suits(&new, "ReEncrypt")?;
    let opened = source.open(call, &old)?;
    let sealed = to.encrypt(call, &new, &opened.plaintext)?;
    call.used(&old);
    call.used(&new);
    Ok(ReEncryptResponse {
        ciphertext_blob: sealed.ciphertext.into(),
        source_key_id: old.arn.to_string(),
        key_id: new.arn.to_string(),
        source_encryption_algorithm: from.algorithm.to_owned(),
        destination_encryption_algorithm: to.algorithm.to_owned(),
        source_key_material_id: opened.material,
        destination_key_material_id: sealed.material,
    })
}
