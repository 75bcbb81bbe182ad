//! ReplicateKey. The replica's record comes first, as a draft; then the family knows of it; then it is made whole. What a crash leaves is a draft that
//! housekeeping undoes.

use serde::{Deserialize, Serialize};

use super::{must_be_primary, settling};
use crate::api::error::{Code, Result};
use crate::keys::create::{ask_to_create, must_have_room};
use crate::keys::hold::Held;
use crate::keys::metadata::KeyMetadata;
use crate::keys::policy;
use crate::keys::record::{Draft, KeyRecord, Origin};
use crate::keys::state::{Need, State};
use crate::keys::tags::{self, Tag};
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ReplicateKeyRequest {
    pub key_id: String,
    pub replica_region: String,
    pub policy: Option<String>,
    #[serde(default)]
    pub bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ReplicateKeyResponse {
    pub replica_key_metadata: KeyMetadata,
    pub replica_policy: String,
    pub replica_tags: Vec<Tag>,
}

/// ReplicateKey: the same material in another Region; of imported material only the name.
pub fn replicate_key(call: &Call, request: ReplicateKeyRequest) -> Result<ReplicateKeyResponse> {
    let region = &request.replica_region;
    let key = call.open(
        &request.key_id,
        &Ask::to("ReplicateKey").fact("kms:ReplicaRegion", region),
        Need::Anything,
    )?;
    must_be_primary(&key.record)?;
    call.check(Need::Enabled, &key.record)?;
    // The replica is made in its own Region, by this caller.
    let abroad = call.caller.in_region(region);
    let there = call.of(&abroad);
    let KeyRecord { spec, usage, origin, .. } = *key.record;
    let bypass = request.bypass_policy_lockout_safety_check;
    let ask = ask_to_create((spec, usage, origin), Some("REPLICA"), bypass, &request.tags);
    there.authorize_without_key(&ask)?;
    if !call.service.settings.regions.contains(region) {
        return Err(Code::UnsupportedOperationException.because(format!("Region {region} is not available.")));
    }
    must_have_room(call, region)?;
    let mut held = call.hold(&key.arn, Need::Enabled)?;
    let multi = must_be_primary(&held.record)?;
    if multi.regions.contains(region) {
        return Err(
            Code::AlreadyExistsException.because(format!("{} already exists.", key.arn.in_region(region)))
        );
    }
    let replica = bring_to_life(&there, &mut held, &request)?;
    call.touch(replica.arn());
    Ok(ReplicateKeyResponse {
        replica_key_metadata: KeyMetadata::of(&replica, State::of(&replica, call.now, true), None),
        replica_policy: replica.policy.into(),
        replica_tags: request.tags,
    })
}

/// `call` is the replica's Region's, where its policy and tags are judged.
fn bring_to_life(call: &Call, held: &mut Held, request: &ReplicateKeyRequest) -> Result<KeyRecord> {
    let region = &request.replica_region;
    if let Some(multi) = &mut held.record.multi_region {
        multi.regions.push(region.clone());
    }
    let mut replica = draft(call, &held.record, request)?;
    replica.draft = Some(Draft::Making(call.service.clock.now()));
    call.service.book.create(&replica.label(), &replica)?;
    call.service.house.note(&replica, call.now);
    held.keep()?;
    held.change_relative(region, |record| record.draft = None)?;
    replica.draft = None;
    Ok(replica)
}

/// The replica as it begins: what is shared is the primary's, the rest its own.
fn draft(call: &Call, primary: &KeyRecord, request: &ReplicateKeyRequest) -> Result<KeyRecord> {
    let arn = primary.arn().in_region(&request.replica_region);
    let bypass = request.bypass_policy_lockout_safety_check;
    let mut replica = KeyRecord {
        draft: Some(Draft::Making(call.now)),
        region: request.replica_region.clone(),
        created: call.now,
        description: request.description.clone(),
        enabled: true,
        deletion: None,
        policy: policy::of_new_key(call, &arn, request.policy.as_deref(), bypass)?,
        tags: tags::of_new_key(call, &arn, &request.tags)?,
        aliases: Vec::new(),
        loose: Vec::new(),
        grants_revision: 0,
        ..primary.clone()
    };
    if let Some(multi) = &mut replica.multi_region {
        multi.settling = settling(true, call.now);
    }
    if replica.origin == Origin::External {
        for material in &mut replica.materials {
            (material.object, material.import) = (None, None);
        }
    }
    Ok(replica)
}
