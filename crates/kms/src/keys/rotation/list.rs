//! ListKeyRotations.

use serde::{Deserialize, Serialize};

use super::must_rotate;
use crate::api::error::Result;
use crate::api::page::{Page, Paged};
use crate::clock::{Moment, as_seconds_if_any};
use crate::keys::metadata::expiration_model;
use crate::keys::record::{Cause, KeyRecord, Material, Origin};
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeyRotationsRequest {
    pub key_id: String,
    #[serde(default)]
    pub include_key_material: Which,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// Which materials are wanted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum Which {
    AllKeyMaterial,
    #[default]
    RotationsOnly,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ListKeyRotationsResponse {
    pub rotations: Vec<RotationsListEntry>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// One material.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct RotationsListEntry {
    pub key_id: String,
    pub key_material_id: String,
    pub key_material_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub valid_to: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub rotation_date: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_type: Option<&'static str>,
}

/// ListKeyRotations: the oldest first, 100 a page unless told.
pub fn list_key_rotations(call: &Call, request: ListKeyRotationsRequest) -> Result<ListKeyRotationsResponse> {
    let page = Page::of(request.limit, request.marker.as_deref(), 100)?;
    let key = call.open(&request.key_id, &Ask::to("ListKeyRotations"), Need::Anything)?;
    must_rotate(&key.record)?;
    let relatives = call.service.relatives(&key.record)?;
    let all = key
        .record
        .materials
        .iter()
        .enumerate()
        .filter(|(_, material)| listed(material, request.include_key_material));
    // A key's materials only grow in number at the end: their place is a name that pages can go on after.
    let (materials, paged) = page.cut_all(all.collect(), |(place, _)| format!("{place:08}"))?;
    let rotations = materials
        .into_iter()
        .map(|(_, material)| entry(&key.record, material, &relatives, call.now))
        .collect();
    Ok(ListKeyRotationsResponse { rotations, paged })
}

fn listed(material: &Material, which: Which) -> bool {
    which == Which::AllKeyMaterial || rotation_type(material).is_some()
}

const fn rotation_type(material: &Material) -> Option<&'static str> {
    match material.cause {
        Cause::Automatic => Some("AUTOMATIC"),
        Cause::OnDemand => Some("ON_DEMAND"),
        Cause::First | Cause::Pending => None,
    }
}

fn entry(
    record: &KeyRecord,
    material: &Material,
    relatives: &[KeyRecord],
    now: Moment,
) -> RotationsListEntry {
    let imported = record.origin == Origin::External;
    let here = material.is_here(now);
    let expires = material.import.as_ref().and_then(|import| import.expires).filter(|_| here);
    RotationsListEntry {
        key_id: record.id.clone(),
        key_material_id: material.id.clone(),
        key_material_state: state(record, material, relatives),
        key_material_description: material.import.as_ref().and_then(|import| import.description.clone()),
        import_state: imported.then_some(if here { "IMPORTED" } else { "PENDING_IMPORT" }),
        expiration_model: (imported && here).then_some(expiration_model(expires)),
        valid_to: expires,
        rotation_date: rotation_type(material).map(|_| material.since),
        rotation_type: rotation_type(material),
    }
}

fn state(record: &KeyRecord, material: &Material, relatives: &[KeyRecord]) -> &'static str {
    let everywhere = || {
        relatives
            .iter()
            .chain([record])
            .all(|region| region.material(&material.id).is_some_and(|there| there.object.is_some()))
    };
    match material.cause {
        Cause::Pending if everywhere() => "PENDING_ROTATION",
        Cause::Pending => "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
        _ if record.current().is_some_and(|current| current.id == material.id) => "CURRENT",
        _ => "NON_CURRENT",
    }
}
