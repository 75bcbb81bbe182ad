//! Sign and Verify.

use serde::{Deserialize, Serialize};

use super::signature::{Algorithm, Scheme};
use super::{from_openssl, public_key, signature};
use crate::api::blob::Blob;
use crate::api::error::{Code, Fault, Result};
use crate::hsm::Trouble;
use crate::keys::spec::Usage;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The request of Sign.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct SignRequest {
    pub key_id: String,
    pub message: Blob,
    #[serde(default)]
    pub message_type: MessageType,
    #[serde(default)]
    pub grant_tokens: Vec<String>,
    pub signing_algorithm: String,
    pub dry_run: Option<bool>,
}

/// What a request gives to be signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageType {
    /// The message.
    #[default]
    Raw,
    /// Its digest.
    Digest,
    /// ML-DSA's message representative (FIPS 204, section 6.2), made elsewhere.
    ExternalMu,
}

impl MessageType {
    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "RAW",
            Self::Digest => "DIGEST",
            Self::ExternalMu => "EXTERNAL_MU",
        }
    }
}

/// The answer of Sign.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct SignResponse {
    pub key_id: String,
    pub signature: Blob,
    pub signing_algorithm: String,
}

/// The request of Verify.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct VerifyRequest {
    #[serde(flatten)]
    pub signed: SignRequest,
    pub signature: Blob,
}

/// The answer of Verify.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct VerifyResponse {
    pub key_id: String,
    pub signature_valid: bool,
    pub signing_algorithm: String,
}

/// Sign.
pub fn sign(call: &Call, request: SignRequest) -> Result<SignResponse> {
    let (key, algorithm) = key(call, "Sign", &request)?;
    let input = input(algorithm, request.message_type, &request.message)?;
    call.dry_run(request.dry_run)?;
    let token = call.token(&key.record)?;
    let signature = call
        .service
        .handles
        .with(&token, &key.record, key.current()?, |handle| algorithm.sign(&token, handle, &input))?;
    if algorithm.is_prehashed() {
        let public = public_key::of(&key)?;
        if signature::is_pure(&public, &input, &signature)? {
            return Err(Trouble::Unsupported(algorithm.name.to_owned()).into());
        }
    }
    call.used(&key);
    Ok(SignResponse {
        key_id: key.arn.to_string(),
        signature: signature.into(),
        signing_algorithm: request.signing_algorithm,
    })
}

/// Verify.
///
/// # Errors
///
/// A signature that doesn't hold is one, `KMSInvalidSignatureException`: the answer never says `SignatureValid: false`.
pub fn verify(call: &Call, request: VerifyRequest) -> Result<VerifyResponse> {
    let VerifyRequest { signed, signature } = request;
    let (key, algorithm) = key(call, "Verify", &signed)?;
    let input = input(algorithm, signed.message_type, &signed.message)?;
    call.dry_run(signed.dry_run)?;
    let token = call.token(&key.record)?;
    let public = public_key::of(&key)?;
    if !algorithm.verify(&token, &public, &input, &signature)? {
        return Err(Code::KMSInvalidSignatureException.because("The signature is invalid."));
    }
    call.used(&key);
    Ok(VerifyResponse {
        key_id: key.arn.to_string(),
        signature_valid: true,
        signing_algorithm: signed.signing_algorithm,
    })
}

fn key(call: &Call, action: &'static str, request: &SignRequest) -> Result<(Key, &'static Algorithm)> {
    let ask = Ask::to(action)
        .tokens(&request.grant_tokens)
        .fact("kms:SigningAlgorithm", &request.signing_algorithm)
        .fact("kms:MessageType", request.message_type.name());
    let key = call.open(&request.key_id, &ask, Need::Material)?;
    key.must_be_for(Usage::SignVerify, action)?;
    key.must_offer(&request.signing_algorithm)?;
    let algorithm = Algorithm::named(&request.signing_algorithm).ok_or_else(|| {
        Code::UnsupportedOperationException
            .because(format!("SigningAlgorithm {} is not supported.", request.signing_algorithm))
    })?;
    Ok((key, algorithm))
}

/// Bytes of what stands for a message that ML-DSA signs.
const MU: usize = 64;

/// What the algorithm's scheme is given: a digest where a hash stands before it, else the message.
fn input(algorithm: &Algorithm, message_type: MessageType, message: &[u8]) -> Result<Vec<u8>> {
    let digest =
        |size: usize| if message.len() == size { Ok(message.to_vec()) } else { Err(wrong_length(algorithm)) };
    match (message_type, algorithm.hash(), algorithm.scheme) {
        (MessageType::Raw, Some(hash), _) => Ok(hash.digest(message).map_err(from_openssl)?),
        (MessageType::Digest, Some(hash), _) => digest(hash.size),
        (MessageType::Raw, None, Scheme::Ed25519 | Scheme::MlDsa) => Ok(message.to_vec()),
        // It is hashed again (FIPS 186-5, section 7.8.1): the scheme takes the digest for the message.
        (MessageType::Digest, None, Scheme::Ed25519ph) => digest(64),
        (MessageType::ExternalMu, None, Scheme::MlDsa) if message.len() != MU => Err(wrong_length(algorithm)),
        // PKCS#11 has no mechanism that takes one, and the OpenSSL bindings have no way to verify one.
        (MessageType::ExternalMu, None, Scheme::MlDsa) => Err(Code::UnsupportedOperationException.because(
            "MessageType EXTERNAL_MU is not supported: sign the message itself with MessageType RAW.",
        )),
        (message_type, ..) => {
            let (kind, name) = (message_type.name(), algorithm.name);
            Err(Code::ValidationException
                .because(format!("MessageType {kind} is not valid for algorithm {name}.")))
        }
    }
}

fn wrong_length(algorithm: &Algorithm) -> Fault {
    Code::ValidationException.because(format!("Digest is invalid length for algorithm {}.", algorithm.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, message_type: MessageType, bytes: usize) -> std::result::Result<usize, Code> {
        let algorithm = Algorithm::named(name).expect("an algorithm");
        input(algorithm, message_type, &vec![1; bytes]).map(|input| input.len()).map_err(|fault| fault.code)
    }

    #[test]
    fn k9_a_digest_has_exactly_its_algorithms_length() {
        for (name, size) in [
            ("RSASSA_PSS_SHA_256", 32),
            ("RSASSA_PKCS1_V1_5_SHA_384", 48),
            ("ECDSA_SHA_512", 64),
            ("ED25519_PH_SHA_512", 64),
        ] {
            assert_eq!(given(name, MessageType::Digest, size), Ok(size));
            for wrong in [size - 1, size + 1, 4096] {
                assert_eq!(given(name, MessageType::Digest, wrong), Err(Code::ValidationException));
            }
        }
    }

    #[test]
    fn k9_a_message_is_hashed_where_the_algorithm_hashes_and_whole_where_its_scheme_does() {
        assert_eq!(given("ECDSA_SHA_256", MessageType::Raw, 4096), Ok(32));
        assert_eq!(given("ED25519_SHA_512", MessageType::Raw, 4096), Ok(4096));
        assert_eq!(given("ML_DSA_SHAKE_256", MessageType::Raw, 4096), Ok(4096));
    }

    #[test]
    fn k18_each_algorithm_takes_only_the_message_types_that_are_its() {
        for (name, message_type) in [
            ("ED25519_SHA_512", MessageType::Digest),
            ("ED25519_PH_SHA_512", MessageType::Raw),
            ("ML_DSA_SHAKE_256", MessageType::Digest),
            ("RSASSA_PSS_SHA_512", MessageType::ExternalMu),
            ("ED25519_SHA_512", MessageType::ExternalMu),
        ] {
            assert_eq!(given(name, message_type, 64), Err(Code::ValidationException), "{name}");
        }
        assert_eq!(
            given("ML_DSA_SHAKE_256", MessageType::ExternalMu, 64),
            Err(Code::UnsupportedOperationException)
        );
        assert_eq!(given("ML_DSA_SHAKE_256", MessageType::ExternalMu, 63), Err(Code::ValidationException));
    }
}
