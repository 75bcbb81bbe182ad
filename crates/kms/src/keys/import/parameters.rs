//! GetParametersForImport.

use serde::{Deserialize, Serialize};

use super::must_be_external;
use super::record::ImportRecord;
use super::token::ImportToken;
use super::wrapping::{self, Wrapping};
use crate::api::blob::Blob;
use crate::api::error::{Code, Result};
use crate::book::label;
use crate::clock::{DAY, Moment, as_seconds};
use crate::keys::create::random;
use crate::keys::record::KeyRecord;
use crate::keys::spec::{Family, Spec};
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetParametersForImportRequest {
    pub key_id: String,
    pub wrapping_algorithm: String,
    pub wrapping_key_spec: String,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetParametersForImportResponse {
    pub key_id: String,
    pub import_token: Blob,
    pub public_key: Blob,
    #[serde(serialize_with = "as_seconds")]
    pub parameters_valid_to: Moment,
}

/// GetParametersForImport: a wrapping key and a token for one import within a day.
pub fn get_parameters_for_import(
    call: &Call,
    request: GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse> {
    let ask = Ask::to("GetParametersForImport")
        .fact("kms:WrappingAlgorithm", &request.wrapping_algorithm)
        .fact("kms:WrappingKeySpec", &request.wrapping_key_spec);
    let key = call.open(&request.key_id, &ask, Need::Anything)?;
    must_be_external(&key.record)?;
    call.check(Need::Awaiting, &key.record)?;
    let (wrapping, spec) = choose(call, &request, &key.record)?;
    let id = uuid::Builder::from_random_bytes(random()).into_uuid().hyphenated().to_string();
    let expires = call.now.plus(DAY);
    let public_key = prepare(call, &id, wrapping, spec, expires)?;
    let token = ImportToken { id, key: key.arn.to_string(), expires };
    Ok(GetParametersForImportResponse {
        key_id: key.arn.to_string(),
        import_token: token.seal(call.service)?.into(),
        public_key: public_key.into(),
        parameters_valid_to: expires,
    })
}

fn choose(
    call: &Call,
    request: &GetParametersForImportRequest,
    key: &KeyRecord,
) -> Result<(&'static Wrapping, &'static Spec)> {
    let (algorithm, wrapping_key) = (&request.wrapping_algorithm, &request.wrapping_key_spec);
    let wrapping = Wrapping::named(algorithm).filter(|wrapping| wrapping.is_offered(&call.service.token));
    let spec = Spec::named(wrapping_key).filter(|spec| matches!(spec.family, Family::Rsa(_)));
    match (wrapping, spec) {
        (None, _) => Err(Code::UnsupportedOperationException
            .because(format!("WrappingAlgorithm {algorithm} is not supported."))),
        (_, None) => Err(Code::UnsupportedOperationException
            .because(format!("WrappingKeySpec {wrapping_key} is not supported."))),
        (Some(wrapping), Some(spec)) if wrapping.takes(key.spec, spec) => Ok((wrapping, spec)),
        _ => Err(Code::UnsupportedOperationException.because(format!(
            "WrappingAlgorithm {algorithm} with WrappingKeySpec {wrapping_key} is not valid for key spec {}.",
            key.spec.name
        ))),
    }
}

/// Notes the parameters, then makes their wrapping key. What a crash leaves goes when the parameters expire.
fn prepare(
    call: &Call,
    id: &str,
    wrapping: &'static Wrapping,
    spec: &'static Spec,
    expires: Moment,
) -> Result<Vec<u8>> {
    let object = random::<16>();
    let Family::Rsa(bits) = spec.family else {
        return Err(Code::UnsupportedOperationException
            .because(format!("WrappingKeySpec {} is not supported.", spec.name)));
    };
    let modulus = usize::try_from(bits / 8).unwrap_or_default();
    let name = label::import(id);
    call.service
        .book
        .create(&name, &ImportRecord { object: hex::encode(object), wrapping, modulus, expires })?;
    let made = wrapping::make(&call.service.token, spec, &object, &name);
    if made.is_err() {
        call.service.clear_import(id)?;
    }
    Ok(made?)
}
