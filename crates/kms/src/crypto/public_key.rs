//! GetPublicKey, and the recorded public half of a key as OpenSSL takes it.

use openssl::pkey::{PKey, Public};
use serde::{Deserialize, Serialize};

use super::from_openssl;
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The request of GetPublicKey.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetPublicKeyRequest {
    pub key_id: String,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
}

/// The answer of GetPublicKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetPublicKeyResponse {
    pub key_id: String,
    pub public_key: Blob,
    pub customer_master_key_spec: &'static str,
    pub key_spec: &'static str,
    pub key_usage: Usage,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encryption_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub signing_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub key_agreement_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encapsulation_algorithms: &'static [&'static str],
}

/// GetPublicKey.
pub fn get_public_key(call: &Call, request: GetPublicKeyRequest) -> Result<GetPublicKeyResponse> {
    let key =
        call.open(&request.key_id, &Ask::to("GetPublicKey").tokens(&request.grant_tokens), Need::Material)?;
    let (spec, usage) = (key.record.spec, key.record.usage);
    if !spec.is_asymmetric() {
        let why = format!("{} key spec is {} which is not valid for GetPublicKey.", key.arn, spec.name);
        return Err(Code::UnsupportedOperationException.because(why));
    }
    let algorithms = |wanted| if usage == wanted { spec.algorithms(wanted) } else { &[] };
    Ok(GetPublicKeyResponse {
        key_id: key.arn.to_string(),
        public_key: der(&key)?.into(),
        customer_master_key_spec: spec.name,
        key_spec: spec.name,
        key_usage: usage,
        encryption_algorithms: algorithms(Usage::EncryptDecrypt),
        signing_algorithms: algorithms(Usage::SignVerify),
        key_agreement_algorithms: algorithms(Usage::KeyAgreement),
        encapsulation_algorithms: algorithms(Usage::EncapsulateDecapsulate),
    })
}

/// The public half of an asymmetric key.
pub fn of(key: &Key) -> Result<PKey<Public>> {
    Ok(PKey::public_key_from_der(&der(key)?).map_err(from_openssl)?)
}

fn der(key: &Key) -> Result<Vec<u8>> {
    let recorded = key.record.public_key.as_deref().and_then(|public| hex::decode(public).ok());
    recorded.ok_or_else(|| Code::KMSInvalidStateException.because(format!("{} has no public key.", key.arn)))
}
