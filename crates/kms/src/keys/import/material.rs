//! ImportKeyMaterial.

use serde::{Deserialize, Serialize};

use super::fingerprint::{self, Seen};
use super::must_be_external;
use super::place::{ImportType, Said, incorrect, place};
use super::record::ImportRecord;
use super::token::{self, ImportToken};
use crate::api::blob::Blob;
use crate::api::error::{Code, Fault, Result};
use crate::book::label;
use crate::clock::{DAY, Moment};
use crate::crypto::{material, template};
use crate::hsm::Trouble;
use crate::keys::hold::Held;
use crate::keys::metadata::expiration_model;
use crate::keys::record::KeyRecord;
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ImportKeyMaterialRequest {
    pub key_id: String,
    pub import_token: Blob,
    pub encrypted_key_material: Blob,
    pub valid_to: Option<f64>,
    pub expiration_model: Option<String>,
    pub import_type: Option<ImportType>,
    pub key_material_description: Option<String>,
    pub key_material_id: Option<String>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ImportKeyMaterialResponse {
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// The longest that imported material may be good for, in milliseconds.
const LONGEST: i64 = 365 * DAY;

/// ImportKeyMaterial: unwraps in the HSM, sees by its fingerprint which material it is, puts it where it belongs. Its token is used up then.
pub fn import_key_material(
    call: &Call,
    request: ImportKeyMaterialRequest,
) -> Result<ImportKeyMaterialResponse> {
    let expires = expiry(&request, call.now)?;
    let model = expiration_model(expires);
    let mut ask = Ask::to("ImportKeyMaterial").fact("kms:ExpirationModel", model);
    if let Some(valid_to) = request.valid_to {
        ask = ask.fact("kms:ValidTo", valid_to.to_string());
    }
    let key = call.open(&request.key_id, &ask, Need::Anything)?;
    must_be_external(&key.record)?;
    call.check(Need::Importable, &key.record)?;
    may_say(&request, &key.record)?;
    let (id, parameters) = parameters(call, &request.import_token, &key.record)?;
    let said = Said {
        import_type: request.import_type,
        id: request.key_material_id,
        description: request.key_material_description,
        expires,
    };
    let mut held = call.hold(&key.arn, Need::Importable)?;
    let imported = bring_in(call, &mut held, &parameters, &request.encrypted_key_material, &said)?;
    if let Err(trouble) = call.service.clear_import(&id) {
        tracing::warn!(key = %key.arn, %trouble, "a wrapping key that was used stays until it expires");
    }
    Ok(ImportKeyMaterialResponse {
        key_id: key.arn.to_string(),
        key_material_id: key.record.rotates().then_some(imported),
    })
}

const EXPIRES: &str = "KEY_MATERIAL_EXPIRES";
const EXPIRES_NOT: &str = "KEY_MATERIAL_DOES_NOT_EXPIRE";

/// When the material expires: it does unless the request says otherwise, and then it must say when.
fn expiry(request: &ImportKeyMaterialRequest, now: Moment) -> Result<Option<Moment>> {
    let invalid = |why: &str| Err(Code::ValidationException.because(why));
    match (request.expiration_model.as_deref().unwrap_or(EXPIRES), request.valid_to) {
        (EXPIRES_NOT, None) => Ok(None),
        (EXPIRES_NOT, Some(_)) => {
            invalid("ValidTo can not be set when ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        }
        (_, None) => invalid("ValidTo must be set when ExpirationModel is KEY_MATERIAL_EXPIRES"),
        (_, Some(seconds)) => match Moment::from_seconds(seconds) {
            at if at <= now => invalid("ValidTo must be in the future"),
            at if at > now.plus(LONGEST) => invalid("ValidTo must be within 365 days from now"),
            at => Ok(Some(at)),
        },
    }
}

/// What is only for keys that have several materials isn't said of others; new material has no id yet.
fn may_say(request: &ImportKeyMaterialRequest, record: &KeyRecord) -> Result<()> {
    let said = request.import_type.is_some()
        || request.key_material_id.is_some()
        || request.key_material_description.is_some();
    if said && !record.rotates() {
        return Err(Code::UnsupportedOperationException.because(format!(
            "ImportType, KeyMaterialId and KeyMaterialDescription are not valid for key spec {}.",
            record.spec.name
        )));
    }
    if request.import_type == Some(ImportType::NewKeyMaterial) && request.key_material_id.is_some() {
        return Err(Code::ValidationException
            .because("KeyMaterialId can not be set when ImportType is NEW_KEY_MATERIAL"));
    }
    Ok(())
}

/// The parameters that the token names, with their id.
fn parameters(call: &Call, sealed: &[u8], record: &KeyRecord) -> Result<(String, ImportRecord)> {
    let told = ImportToken::open(call.service, sealed)?;
    if told.key != record.arn().to_string() {
        return Err(token::invalid());
    }
    if told.expires <= call.now {
        return Err(Code::ExpiredImportTokenException.because("The import token has expired."));
    }
    let kept =
        call.service.book.read::<ImportRecord>(&label::import(&told.id))?.ok_or_else(token::invalid)?;
    Ok((told.id, ImportRecord::clone(&kept.value)))
}

/// From wrapped bytes to material of the key; its id.
fn bring_in(
    call: &Call,
    held: &mut Held,
    parameters: &ImportRecord,
    wrapped: &[u8],
    said: &Said,
) -> Result<String> {
    let object = held.announce()?;
    let placed = unwrap(call, &held.record, parameters, wrapped, &object).and_then(|seen| {
        let replaced = place(&mut held.record, said, &seen.id, &object, call.now)?;
        Ok((seen, replaced))
    });
    match placed {
        Ok((seen, replaced)) => {
            held.take_up(&object);
            held.record.loose.extend(replaced);
            if let Some(public_key) = seen.public_key {
                held.record.public_key = Some(hex::encode(public_key));
            }
            held.keep()?;
            held.destroy_loose()?;
            Ok(seen.id)
        }
        Err(fault) => {
            held.undo();
            Err(fault)
        }
    }
}

fn unwrap(
    call: &Call,
    record: &KeyRecord,
    parameters: &ImportRecord,
    wrapped: &[u8],
    object: &str,
) -> Result<Seen> {
    let token = &call.service.token;
    let wrapping_key = material::find(token, &parameters.object)?.ok_or_else(token::invalid)?;
    let id = hex::decode(object).unwrap_or_default();
    let template = template::kept(record.spec, record.usage, &id, &record.arn().to_string());
    let key = parameters
        .wrapping
        .unwrap(token, wrapping_key, parameters.modulus, wrapped, &template)
        .map_err(|trouble| refusal(record, trouble))?;
    let seen =
        fingerprint::look(token, key, record.spec, &record.id).map_err(|trouble| refusal(record, trouble))?;
    seen.ok_or_else(|| incorrect(record))
}

/// Why the HSM didn't take it: it wasn't wrapped for this, or what was wrapped is no such key.
fn refusal(record: &KeyRecord, trouble: Trouble) -> Fault {
    match trouble {
        Trouble::BadData => Code::InvalidCiphertextException.because("The encrypted key material can't be decrypted: it was not wrapped with this wrapping key and algorithm."),
        Trouble::Unsupported(_) => incorrect(record),
        trouble => trouble.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000);

    fn asked(model: Option<&str>, valid_to: Option<f64>) -> Result<Option<Moment>> {
        let request = ImportKeyMaterialRequest {
            key_id: String::new(),
            import_token: Vec::new().into(),
            encrypted_key_material: Vec::new().into(),
            valid_to,
            expiration_model: model.map(str::to_owned),
            import_type: None,
            key_material_description: None,
            key_material_id: None,
        };
        expiry(&request, NOW)
    }

    #[test]
    fn k54_material_expires_unless_it_is_said_not_to_and_then_a_time_is_said() {
        assert_eq!(asked(Some(EXPIRES_NOT), None), Ok(None));
        assert_eq!(asked(None, Some(1001.5)), Ok(Some(Moment(1_001_500))));
        let last = NOW.plus(LONGEST).seconds();
        assert!(asked(Some(EXPIRES), Some(last)).is_ok());
        for (model, valid_to) in [
            (None, None),
            (Some(EXPIRES), None),
            (Some(EXPIRES_NOT), Some(2000.0)),
            (None, Some(1000.0)),
            (None, Some(last + 1.0)),
        ] {
            assert_eq!(
                asked(model, valid_to).expect_err("a refusal").code,
                Code::ValidationException,
                "{model:?} {valid_to:?}"
            );
        }
    }
}
