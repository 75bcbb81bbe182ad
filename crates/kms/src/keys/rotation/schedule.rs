//! EnableKeyRotation, DisableKeyRotation and GetKeyRotationStatus.

use serde::{Deserialize, Serialize};

use super::{must_not_be_replica, must_rotate_by_itself};
use crate::api::error::{Code, Result};
use crate::clock::{DAY, Moment, as_seconds_if_any};
use crate::keys::manage::{Done, KeyRequest};
use crate::keys::record::{KeyRecord, Rotation};
use crate::keys::state::{Need, State};
use crate::service::{Ask, Call, Key};

/// The request of EnableKeyRotation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct EnableKeyRotationRequest {
    pub key_id: String,
    pub rotation_period_in_days: Option<u32>,
}

/// The answer of GetKeyRotationStatus.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetKeyRotationStatusResponse {
    pub key_rotation_enabled: bool,
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub next_rotation_date: Option<Moment>,
}

/// Days between rotations.
const PERIOD: std::ops::RangeInclusive<u32> = 90..=2560;

/// Unless told.
const USUAL: u32 = 365;

/// EnableKeyRotation: the period begins now, or goes on if it is the one that runs already.
pub fn enable_key_rotation(call: &Call, request: EnableKeyRotationRequest) -> Result<Done> {
    let period = request.rotation_period_in_days.unwrap_or(USUAL);
    if !PERIOD.contains(&period) {
        return Err(Code::ValidationException.because(format!(
            "RotationPeriodInDays must be between {} and {} days (inclusive)",
            PERIOD.start(),
            PERIOD.end()
        )));
    }
    let ask = Ask::to("EnableKeyRotation").fact("kms:RotationPeriodInDays", period.to_string());
    let key = schedulable(call, &request.key_id, &ask)?;
    call.change(&key, Need::Material, |record| {
        if !record.rotation.as_ref().is_some_and(|rotation| rotation.enabled && rotation.period == period) {
            let next = call.now.plus(i64::from(period).saturating_mul(DAY));
            record.rotation = Some(Rotation { enabled: true, period, next });
        }
        Ok(Done {})
    })
}

/// DisableKeyRotation.
pub fn disable_key_rotation(call: &Call, request: KeyRequest) -> Result<Done> {
    let key = schedulable(call, &request.key_id, &Ask::to("DisableKeyRotation"))?;
    call.change(&key, Need::Material, |record| {
        if let Some(rotation) = &mut record.rotation {
            rotation.enabled = false;
        }
        Ok(Done {})
    })
}

/// A key whose schedule may be changed. Its kind is judged before its state.
fn schedulable(call: &Call, name: &str, ask: &Ask) -> Result<Key> {
    let key = call.open(name, ask, Need::Anything)?;
    must_rotate_by_itself(&key.record)?;
    must_not_be_replica(&key.record)?;
    call.check(Need::Material, &key.record)?;
    Ok(key)
}

/// GetKeyRotationStatus. While a key waits for its deletion, it doesn't rotate; AWS's own keys always do, every year.
pub fn get_key_rotation_status(call: &Call, request: KeyRequest) -> Result<GetKeyRotationStatusResponse> {
    let key = call.open(&request.key_id, &Ask::to("GetKeyRotationStatus"), Need::Anything)?;
    must_rotate_by_itself(&key.record)?;
    let running = if matches!(key.state, State::PendingDeletion | State::PendingReplicaDeletion) {
        None
    } else {
        running(&key.record)
    };
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: running.is_some(),
        key_id: key.arn.to_string(),
        rotation_period_in_days: running.as_ref().map(|rotation| rotation.period),
        next_rotation_date: running.as_ref().map(|rotation| rotation.next),
    })
}

fn running(record: &KeyRecord) -> Option<Rotation> {
    record.rotation.clone().filter(|rotation| rotation.enabled)
}
