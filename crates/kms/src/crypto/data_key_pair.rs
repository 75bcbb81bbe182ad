//! GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext: a pair that the HSM makes and gives out, its private half also under a KMS key.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::pair;
use super::wrapped::Under;
use crate::api::blob::Blob;
use crate::api::error::{Code, Fault, Result};
use crate::hsm::Trouble;
use crate::keys::spec::{Family, Spec};
use crate::quota;
use crate::service::Call;

/// The request of both.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateDataKeyPairRequest {
    #[serde(flatten)]
    pub under: Under,
    pub key_pair_spec: String,
}

/// The answer of both; without the plaintext for those who asked for none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GenerateDataKeyPairResponse {
    pub private_key_ciphertext_blob: Blob,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key_plaintext: Option<Blob>,
    pub public_key: Blob,
    pub key_id: String,
    pub key_pair_spec: &'static str,
    pub key_material_id: String,
}

/// GenerateDataKeyPair.
pub fn generate_data_key_pair(
    call: &Call,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse> {
    request.under.refuse_recipient()?;
    let (mut answer, private) = generate(call, "GenerateDataKeyPair", request)?;
    answer.private_key_plaintext = Some(private.into());
    Ok(answer)
}

/// GenerateDataKeyPairWithoutPlaintext.
pub fn generate_data_key_pair_without_plaintext(
    call: &Call,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse> {
    generate(call, "GenerateDataKeyPairWithoutPlaintext", request).map(|(answer, _)| answer)
}

fn generate(
    call: &Call,
    action: &'static str,
    request: GenerateDataKeyPairRequest,
) -> Result<(GenerateDataKeyPairResponse, Zeroizing<Vec<u8>>)> {
    let spec = spec(&request.key_pair_spec)?;
    let under = &request.under;
    let key = under.open(call, &under.ask(action).fact("kms:DataKeyPairSpec", spec.name))?;
    key.must_be_in_default_store(action)?;
    call.dry_run(under.dry_run)?;
    let name = format!("GenerateDataKeyPair/{}", spec.name);
    call.count_against(&name, &quota::of_account(&call.caller.account, &call.caller.region))?;
    let pair = pair::export(&call.service.token, spec).map_err(|trouble| match trouble {
        Trouble::Unsupported(_) => unsupported(spec.name),
        trouble => trouble.into(),
    })?;
    let wrapped = under.seal(call, &key, &pair.private)?;
    let answer = GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: wrapped.ciphertext,
        private_key_plaintext: None,
        public_key: pair.public.into(),
        key_id: wrapped.key,
        key_pair_spec: spec.name,
        key_material_id: wrapped.material,
    };
    Ok((answer, pair.private))
}

fn spec(name: &str) -> Result<&'static Spec> {
    Spec::named(name).filter(|spec| spec.family != Family::Absent).ok_or_else(|| unsupported(name))
}

fn unsupported(name: &str) -> Fault {
    Code::UnsupportedOperationException
        .because(format!("KeyPairSpec {name} is not supported in this Region."))
}
