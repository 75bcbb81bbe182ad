//! Imported material goes: on demand, or when it expires. The record forgets it first, then the HSM destroys it.

use serde::{Deserialize, Serialize};

use super::must_be_external;
use crate::api::error::{Code, Result};
use crate::clock::Moment;
use crate::hsm::Trouble;
use crate::keys::hold::Held;
use crate::keys::record::{Cause, KeyRecord};
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request of DeleteImportedKeyMaterial.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DeleteImportedKeyMaterialRequest {
    pub key_id: String,
    pub key_material_id: Option<String>,
}

/// The answer of DeleteImportedKeyMaterial.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DeleteImportedKeyMaterialResponse {
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// DeleteImportedKeyMaterial: the current material unless another is named. The key waits for its import then; if it did already, nothing changes.
pub fn delete_imported_key_material(
    call: &Call,
    request: DeleteImportedKeyMaterialRequest,
) -> Result<DeleteImportedKeyMaterialResponse> {
    let key = call.open(&request.key_id, &Ask::to("DeleteImportedKeyMaterial"), Need::Anything)?;
    must_be_external(&key.record)?;
    let mut held = call.hold(&key.arn, Need::Forgettable)?;
    let named = request.key_material_id.is_some();
    let id = request.key_material_id.or_else(|| held.record.current().map(|current| current.id.clone()));
    match id.as_deref().filter(|id| held.record.material(id).is_some()) {
        Some(id) => forget(&mut held, id)?,
        None if named => {
            return Err(Code::NotFoundException.because(format!("{} has no such key material.", key.arn)));
        }
        None => {}
    }
    Ok(DeleteImportedKeyMaterialResponse {
        key_id: key.arn.to_string(),
        key_material_id: id.filter(|_| key.record.rotates()),
    })
}

/// Forgets one material of the key and destroys it.
fn forget(held: &mut Held, id: &str) -> std::result::Result<(), Trouble> {
    let gone = take_away(&mut held.record, id);
    held.record.loose.extend(gone);
    held.keep()?;
    held.destroy_loose()
}

/// Material that the key has used is missed from now on. What only waited for its rotation isn't the key's: on its primary it is as if it had never come.
fn take_away(record: &mut KeyRecord, id: &str) -> Option<String> {
    let replica = record.is_replica();
    let place = record.materials.iter().position(|material| material.id == id)?;
    let material = record.materials.get_mut(place)?;
    let object = material.object.take();
    if material.cause == Cause::Pending && !replica {
        record.materials.remove(place);
    }
    object
}

/// Destroys what has expired by `now`, and says so: `told` learns of each material, and of what failed with it. How many materials.
pub fn expire(
    held: &mut Held,
    now: Moment,
    told: impl Fn(&str, Option<&Trouble>),
) -> std::result::Result<usize, Trouble> {
    let expired: Vec<String> = held
        .record
        .materials
        .iter()
        .filter(|material| material.object.is_some() && !material.is_here(now))
        .map(|material| material.id.clone())
        .collect();
    for id in &expired {
        let forgotten = forget(held, id);
        told(id, forgotten.as_ref().err());
        forgotten?;
        // The event that AWS sends as "KMS Imported Key Material Expiration".
        tracing::warn!(key = %held.record.arn(), material = id, event = "KMS Imported Key Material Expiration", "imported key material has expired");
    }
    Ok(expired.len())
}
