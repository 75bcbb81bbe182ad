//! Bodies of requests and answers. Fields that a later version adds are passed over (specification, appendix B).

use super::limits::{AAD_BYTES, ARN_CHARACTERS, METADATA_BYTES, PLAINTEXT_BYTES};
use super::{Blob, ErrorName, Failure, Operation};
use serde::{Deserialize, Serialize};

/// The only algorithm of this version.
pub const AES_GCM: &str = "AES_GCM";
/// The only hash of integrity values.
pub const SHA_256: &str = "SHA_256";
/// The only kind of key.
pub const AES_256: &str = "AES_256";

/// On whose behalf KMS asks. None of it is proven but by the signature over the whole body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestMetadata {
    /// Who called KMS: an ARN, or the name of a service. In every request about a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_principal_arn: Option<String>,
    /// The VPC that the call to KMS came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_source_vpc: Option<String>,
    /// Its VPC endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_source_vpce: Option<String>,
    /// The KMS key. In every request to encrypt or decrypt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<String>,
    /// What was called of KMS; may be a name that this version does not know.
    pub kms_operation: String,
    /// The id of that call; any string.
    pub kms_request_id: String,
    /// The AWS service that called on somebody's behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_via_service: Option<String>,
}

impl RequestMetadata {
    /// Whether all is there that `operation` must have.
    fn check(&self, operation: Operation) -> Result<(), Failure> {
        use Operation::{Decrypt, Encrypt, GetHealthStatus};
        if operation != GetHealthStatus && self.aws_principal_arn.is_none() {
            return Err(invalid("requestMetadata has no awsPrincipalArn"));
        }
        if matches!(operation, Encrypt | Decrypt) && self.kms_key_arn.is_none() {
            return Err(invalid("requestMetadata has no kmsKeyArn"));
        }
        for (name, arn) in [("awsPrincipalArn", &self.aws_principal_arn), ("kmsKeyArn", &self.kms_key_arn)] {
            if arn.as_ref().is_some_and(|arn| arn.chars().count() > ARN_CHARACTERS) {
                return Err(invalid(format!("{name} has more than {ARN_CHARACTERS} characters")));
            }
        }
        Ok(())
    }
}

/// A request's body.
pub trait Request {
    /// On whose behalf it comes.
    fn metadata(&self) -> &RequestMetadata;

    /// Whether it keeps to the specification's limits, for `operation`.
    fn check(&self, operation: Operation) -> Result<(), Failure>;
}

/// Of GetKeyMetadata and GetHealthStatus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlainRequest {
    /// On whose behalf.
    pub request_metadata: RequestMetadata,
}

impl Request for PlainRequest {
    fn metadata(&self) -> &RequestMetadata {
        &self.request_metadata
    }

    fn check(&self, operation: Operation) -> Result<(), Failure> {
        self.request_metadata.check(operation)
    }
}

/// Of Encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptRequest {
    /// On whose behalf.
    pub request_metadata: RequestMetadata,
    /// Up to 8,192 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_authenticated_data: Option<Blob>,
    /// Up to 4,300 bytes.
    pub plaintext: Blob,
    /// [`AES_GCM`].
    pub encryption_algorithm: String,
    /// [`SHA_256`] if the answer is to have an integrity value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_data_integrity_value_algorithm: Option<String>,
}

impl Request for EncryptRequest {
    fn metadata(&self) -> &RequestMetadata {
        &self.request_metadata
    }

    fn check(&self, operation: Operation) -> Result<(), Failure> {
        self.request_metadata.check(operation)?;
        check_algorithm(&self.encryption_algorithm)?;
        if self.ciphertext_data_integrity_value_algorithm.as_deref().is_some_and(|name| name != SHA_256) {
            return Err(invalid(format!("ciphertextDataIntegrityValueAlgorithm must be {SHA_256}")));
        }
        check_size("plaintext", Some(&self.plaintext), PLAINTEXT_BYTES)?;
        check_size("additionalAuthenticatedData", self.additional_authenticated_data.as_ref(), AAD_BYTES)
    }
}

/// Of Decrypt: what an Encrypt answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecryptRequest {
    /// On whose behalf.
    pub request_metadata: RequestMetadata,
    /// As in the request to encrypt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_authenticated_data: Option<Blob>,
    /// Up to 4,300 bytes.
    pub ciphertext: Blob,
    /// Up to 20 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_metadata: Option<Blob>,
    /// [`AES_GCM`].
    pub encryption_algorithm: String,
    /// 12 or 16 bytes.
    pub initialization_vector: Blob,
    /// 16 bytes.
    pub authentication_tag: Blob,
}

impl Request for DecryptRequest {
    fn metadata(&self) -> &RequestMetadata {
        &self.request_metadata
    }

    fn check(&self, operation: Operation) -> Result<(), Failure> {
        self.request_metadata.check(operation)?;
        check_algorithm(&self.encryption_algorithm)?;
        if self.ciphertext_metadata.as_ref().is_some_and(|metadata| metadata.len() > METADATA_BYTES) {
            return Err(invalid(format!("ciphertextMetadata has more than {METADATA_BYTES} bytes")));
        }
        check_size("ciphertext", Some(&self.ciphertext), PLAINTEXT_BYTES)?;
        check_size("additionalAuthenticatedData", self.additional_authenticated_data.as_ref(), AAD_BYTES)
    }
}

/// Answer of GetKeyMetadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMetadataResponse {
    /// [`AES_256`].
    pub key_spec: String,
    /// `ENCRYPT`, `DECRYPT` and up to eight more.
    pub key_usage: Vec<String>,
    /// Whether it may be used.
    pub key_status: KeyStatus,
}

/// Whether an external key may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyStatus {
    /// It may.
    #[default]
    Enabled,
    /// It may not.
    Disabled,
}

/// Answer of Encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptResponse {
    /// As long as the plaintext.
    pub ciphertext: Blob,
    /// Up to 20 bytes that the proxy wants back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_metadata: Option<Blob>,
    /// 12 or 16 bytes.
    pub initialization_vector: Blob,
    /// 16 bytes.
    pub authentication_tag: Blob,
    /// The hash that was asked for: [`super::binding::integrity_value`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_data_integrity_value: Option<Blob>,
}

/// Answer of Decrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecryptResponse {
    /// As long as the ciphertext.
    pub plaintext: Blob,
}

/// Answer of GetHealthStatus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthResponse {
    /// Proxies behind the endpoint: more than none.
    pub xks_proxy_fleet_size: u32,
    /// Who made the proxy.
    pub xks_proxy_vendor: String,
    /// Its name and version.
    pub xks_proxy_model: String,
    /// Who made the key manager.
    pub ekm_vendor: String,
    /// One to ten key managers.
    pub ekm_fleet_details: Vec<KeyManager>,
}

/// A key manager behind a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyManager {
    /// Distinct among its fellows.
    pub id: String,
    /// Its product and version.
    pub model: String,
    /// Whether it works.
    pub health_status: HealthStatus,
}

/// Whether a key manager works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// It does.
    Active,
    /// It does, but not well.
    Degraded,
    /// It does not.
    Unavailable,
}

fn invalid(message: impl Into<String>) -> Failure {
    ErrorName::ValidationException.because(message)
}

fn check_algorithm(name: &str) -> Result<(), Failure> {
    match name {
        AES_GCM => Ok(()),
        _ => Err(invalid(format!("encryptionAlgorithm must be {AES_GCM}"))),
    }
}

/// What is longer than the specification wants of a proxy is not malformed, but beyond this one.
fn check_size(name: &str, value: Option<&Blob>, limit: usize) -> Result<(), Failure> {
    match value.map_or(0, |value| value.len()) {
        length if length > limit => Err(ErrorName::UnsupportedOperationException
            .because(format!("{name} has {length} bytes, this proxy takes up to {limit}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata() -> serde_json::Value {
        json!({
            "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
            "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "kmsOperation": "Encrypt",
            "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
        })
    }

    #[test]
    fn every_body_reads_what_it_writes() {
        let request = json!({
            "requestMetadata": metadata(),
            "additionalAuthenticatedData": "AAE=",
            "plaintext": "SGVsbG8=",
            "encryptionAlgorithm": "AES_GCM",
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        });
        let read: EncryptRequest = serde_json::from_value(request.clone()).unwrap();
        read.check(Operation::Encrypt).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), request);
        let answer = json!({
            "xksProxyFleetSize": 1, "xksProxyVendor": "v", "xksProxyModel": "m", "ekmVendor": "e",
            "ekmFleetDetails": [{"id": "1", "model": "m", "healthStatus": "DEGRADED"}],
        });
        let read: HealthResponse = serde_json::from_value(answer.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), answer);
        let answer = json!({"keySpec": "AES_256", "keyUsage": ["ENCRYPT"], "keyStatus": "DISABLED"});
        let read: KeyMetadataResponse = serde_json::from_value(answer.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), answer);
    }

    #[test]
    fn what_is_absent_is_not_written() {
        let request = PlainRequest {
            request_metadata: RequestMetadata {
                kms_operation: "KmsHealthCheck".to_owned(),
                kms_request_id: "any".to_owned(),
                ..RequestMetadata::default()
            },
        };
        let expected = json!({"requestMetadata": {"kmsOperation": "KmsHealthCheck", "kmsRequestId": "any"}});
        assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    }

    #[test]
    fn a_ciphertext_metadata_of_20_bytes_passes_and_one_of_21_is_invalid() {
        let of = |bytes: usize| DecryptRequest {
            request_metadata: serde_json::from_value(metadata()).unwrap(),
            additional_authenticated_data: None,
            ciphertext: Blob::default(),
            ciphertext_metadata: Some(vec![0; bytes].into()),
            encryption_algorithm: AES_GCM.to_owned(),
            initialization_vector: vec![0; 12].into(),
            authentication_tag: vec![0; 16].into(),
        };
        assert_eq!(of(20).check(Operation::Decrypt), Ok(()));
        assert_eq!(of(21).check(Operation::Decrypt).unwrap_err().name, ErrorName::ValidationException);
    }
}
