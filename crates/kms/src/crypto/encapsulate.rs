//! Encapsulate and Decapsulate: ML-KEM (FIPS 203).

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType};
use serde::{Deserialize, Serialize};

use super::pair::parameter_set;
use super::recipient::{self, Recipient};
use super::{blob, from_openssl, public_key, secret, template};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::hsm::{Token, Trouble};
use crate::keys::spec::{Family, Usage};
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The request of Encapsulate.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct EncapsulateRequest {
    pub key_id: String,
    pub encapsulation_algorithm: String,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub dry_run: Option<bool>,
}

/// The answer of Encapsulate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct EncapsulateResponse {
    pub key_id: String,
    pub shared_secret: Blob,
    pub shared_secret_ciphertext_blob: Blob,
    pub encapsulation_algorithm: String,
}

/// The request of Decapsulate.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DecapsulateRequest {
    #[serde(flatten)]
    pub how: EncapsulateRequest,
    pub shared_secret_ciphertext_blob: Blob,
    pub recipient: Option<Recipient>,
}

/// The answer of Decapsulate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DecapsulateResponse {
    pub key_id: String,
    pub shared_secret: Blob,
    pub encapsulation_algorithm: String,
}

/// Encapsulate: with the public half, which the HSM is lent for it.
pub fn encapsulate(call: &Call, request: EncapsulateRequest) -> Result<EncapsulateResponse> {
    let (key, set) = key(call, "Encapsulate", &request)?;
    call.dry_run(request.dry_run)?;
    let public = public_key::of(&key)?.raw_public_key().map_err(from_openssl)?;
    let mut template = template::public(key.record.spec.family, Usage::EncapsulateDecapsulate);
    template.extend([parameter_set(set).map_err(Trouble::from)?, Attribute::Value(public)]);
    let token: &Token = &*call.token(&key.record)?;
    let (ciphertext, shared) = token.with(|session| {
        let public = session.create_object(&template)?;
        let (ciphertext, shared) =
            session.encapsulate_key(&Mechanism::MlKem, public, &template::passing_secret())?;
        session.destroy_object(public)?;
        Ok((ciphertext, secret::take(session, shared)?))
    })?;
    call.used(&key);
    Ok(EncapsulateResponse {
        key_id: key.arn.to_string(),
        shared_secret: shared.get(AttributeType::Value)?.to_vec().into(),
        shared_secret_ciphertext_blob: ciphertext.into(),
        encapsulation_algorithm: request.encapsulation_algorithm,
    })
}

/// Decapsulate. A ciphertext of the right length always has a secret (implicit rejection): only the length can be wrong.
pub fn decapsulate(call: &Call, request: DecapsulateRequest) -> Result<DecapsulateResponse> {
    recipient::refuse(request.recipient.as_ref())?;
    let (key, set) = key(call, "Decapsulate", &request.how)?;
    if ciphertext_size(set) != Some(request.shared_secret_ciphertext_blob.len()) {
        return Err(blob::invalid());
    }
    call.dry_run(request.how.dry_run)?;
    let token = call.token(&key.record)?;
    let shared = call.service.handles.with(&token, &key.record, key.current()?, |handle| {
        token.with(|session| {
            let shared = session.decapsulate_key(
                &Mechanism::MlKem,
                handle,
                &template::passing_secret(),
                &request.shared_secret_ciphertext_blob,
            )?;
            secret::take(session, shared)
        })
    })?;
    call.used(&key);
    Ok(DecapsulateResponse {
        key_id: key.arn.to_string(),
        shared_secret: shared.get(AttributeType::Value)?.to_vec().into(),
        encapsulation_algorithm: request.how.encapsulation_algorithm,
    })
}

/// The key, and its parameter set.
fn key(call: &Call, action: &'static str, request: &EncapsulateRequest) -> Result<(Key, u64)> {
    let ask = Ask::to(action)
        .tokens(&request.grant_tokens)
        .fact("kms:EncapsulationAlgorithm", &request.encapsulation_algorithm);
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    key.must_be_for(Usage::EncapsulateDecapsulate, action)?;
    key.must_offer(&request.encapsulation_algorithm)?;
    match key.record.spec.family {
        Family::MlKem(set) => Ok((key, set)),
        _ => Err(Code::UnsupportedOperationException
            .because(format!("Keys of spec {} encapsulate nothing here.", key.record.spec.name))),
    }
}

/// Bytes of a ciphertext (FIPS 203, table 3), by CKA_PARAMETER_SET: ML-KEM-512, 768, 1024.
fn ciphertext_size(set: u64) -> Option<usize> {
    [(1, 768), (2, 1088), (3, 1568)].into_iter().find(|(known, _)| *known == set).map(|(_, size)| size)
}
