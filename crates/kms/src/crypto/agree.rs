//! DeriveSharedSecret: ECDH, the raw x coordinate (SP 800-56A, section 5.7.1.2).

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType};
use cryptoki::types::Ulong;
use openssl::bn::BigNumContext;
use openssl::ec::PointConversionForm;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use serde::{Deserialize, Serialize};

use super::recipient::{self, Recipient};
use super::{secret, spki, template};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::keys::record::Origin;
use crate::keys::spec::{Family, Spec, Usage};
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DeriveSharedSecretRequest {
    pub key_id: String,
    pub key_agreement_algorithm: String,
    pub public_key: Blob,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub dry_run: Option<bool>,
    pub recipient: Option<Recipient>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DeriveSharedSecretResponse {
    pub key_id: String,
    pub shared_secret: Blob,
    pub key_agreement_algorithm: String,
    pub key_origin: Origin,
}

/// DeriveSharedSecret.
pub fn derive_shared_secret(
    call: &Call,
    request: DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse> {
    recipient::refuse(request.recipient.as_ref())?;
    let ask = Ask::to("DeriveSharedSecret")
        .tokens(&request.grant_tokens)
        .fact("kms:KeyAgreementAlgorithm", &request.key_agreement_algorithm);
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    key.must_be_for(Usage::KeyAgreement, "DeriveSharedSecret")?;
    key.must_offer(&request.key_agreement_algorithm)?;
    let spec = key.record.spec;
    let Family::Curve { width, .. } = spec.family else {
        return Err(Code::UnsupportedOperationException
            .because(format!("Keys of spec {} agree on nothing here.", spec.name)));
    };
    let peer = peer(spec, &request.public_key).map_err(|_| {
        Code::ValidationException
            .because(format!("The public key is not a valid DER-encoded key of spec {}.", spec.name))
    })?;
    call.dry_run(request.dry_run)?;
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), &peer));
    let mut template = template::passing_secret();
    template.push(Attribute::ValueLen(Ulong::new(width as u64)));
    let token = call.token(&key.record)?;
    let shared = call.service.handles.with(&token, &key.record, key.current()?, |handle| {
        token.with(|session| secret::take(session, session.derive_key(&mechanism, handle, &template)?))
    })?;
    call.used(&key);
    Ok(DeriveSharedSecretResponse {
        key_id: key.arn.to_string(),
        shared_secret: shared.get(AttributeType::Value)?.to_vec().into(),
        key_agreement_algorithm: request.key_agreement_algorithm,
        key_origin: key.record.origin,
    })
}

/// The peer's point, uncompressed: one of the same curve, and on it (SP 800-56A, section 5.6.2.3.3: else the answers would tell of our key).
fn peer(spec: &Spec, der: &[u8]) -> std::result::Result<Vec<u8>, ErrorStack> {
    let key = PKey::public_key_from_der(der)?.ec_key()?;
    let group = spki::group(spec)?;
    key.check_key()?;
    if key.group().curve_name() != group.curve_name() {
        return Err(ErrorStack::get());
    }
    let mut context = BigNumContext::new()?;
    key.public_key().to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::EcKey;

    #[test]
    fn k14_only_a_point_of_the_same_curve_is_a_peer() {
        let named = |name| Spec::named(name).expect("a kind");
        let key = |name| {
            let key = EcKey::generate(&spki::group(named(name)).expect("a curve")).expect("a key");
            PKey::from_ec_key(key).and_then(|key| key.public_key_to_der()).expect("der")
        };
        let p256 = key("ECC_NIST_P256");
        assert_eq!(peer(named("ECC_NIST_P256"), &p256).expect("a peer").len(), 65);
        assert!(peer(named("ECC_NIST_P384"), &p256).is_err());
        assert!(peer(named("ECC_NIST_P256"), &key("ECC_SECG_P256K1")).is_err());
        assert!(peer(named("ECC_NIST_P256"), &p256[1..]).is_err());
        let mut off = p256;
        let last = off.len() - 1;
        off[last] ^= 1;
        assert!(peer(named("ECC_NIST_P256"), &off).is_err());
    }
}
