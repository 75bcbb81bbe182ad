//! GenerateMac and VerifyMac.

use cryptoki::mechanism::Mechanism;
use serde::{Deserialize, Serialize};

use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The request of GenerateMac.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateMacRequest {
    pub message: Blob,
    pub key_id: String,
    pub mac_algorithm: String,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub dry_run: Option<bool>,
}

/// The answer of GenerateMac.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateMacResponse {
    pub mac: Blob,
    pub mac_algorithm: String,
    pub key_id: String,
}

/// The request of VerifyMac.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct VerifyMacRequest {
    #[serde(flatten)]
    pub generate: GenerateMacRequest,
    pub mac: Blob,
}

/// The answer of VerifyMac.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct VerifyMacResponse {
    pub key_id: String,
    pub mac_valid: bool,
    pub mac_algorithm: String,
}

/// GenerateMac.
pub fn generate_mac(call: &Call, request: GenerateMacRequest) -> Result<GenerateMacResponse> {
    let (key, mac) = mac(call, "GenerateMac", &request)?;
    call.used(&key);
    Ok(GenerateMacResponse {
        mac: mac.into(),
        mac_algorithm: request.mac_algorithm,
        key_id: key.arn.to_string(),
    })
}

/// VerifyMac: by making the MAC once more, and comparing in a time that tells nothing.
pub fn verify_mac(call: &Call, request: VerifyMacRequest) -> Result<VerifyMacResponse> {
    let (key, mac) = mac(call, "VerifyMac", &request.generate)?;
    if mac.len() != request.mac.len() || !openssl::memcmp::eq(&mac, &request.mac) {
        return Err(Code::KMSInvalidMacException.because("The MAC is invalid."));
    }
    call.used(&key);
    Ok(VerifyMacResponse {
        key_id: key.arn.to_string(),
        mac_valid: true,
        mac_algorithm: request.generate.mac_algorithm,
    })
}

fn mac(call: &Call, action: &'static str, request: &GenerateMacRequest) -> Result<(Key, Vec<u8>)> {
    let ask = Ask::to(action).tokens(&request.grant_tokens).fact("kms:MacAlgorithm", &request.mac_algorithm);
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    key.must_be_for(Usage::GenerateVerifyMac, action)?;
    key.must_offer(&request.mac_algorithm)?;
    let mechanism = mechanism(&request.mac_algorithm)?;
    call.dry_run(request.dry_run)?;
    let token = call.token(&key.record)?;
    let mac = call.service.handles.with(&token, &key.record, key.current()?, |handle| {
        token.with(|session| session.sign(&mechanism, handle, &request.message))
    })?;
    Ok((key, mac))
}

fn mechanism(algorithm: &str) -> Result<Mechanism<'static>> {
    match algorithm {
        "HMAC_SHA_224" => Ok(Mechanism::Sha224Hmac),
        "HMAC_SHA_256" => Ok(Mechanism::Sha256Hmac),
        "HMAC_SHA_384" => Ok(Mechanism::Sha384Hmac),
        "HMAC_SHA_512" => Ok(Mechanism::Sha512Hmac),
        _ => Err(Code::UnsupportedOperationException
            .because(format!("MacAlgorithm {algorithm} is not supported."))),
    }
}
