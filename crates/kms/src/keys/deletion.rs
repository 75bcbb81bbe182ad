//! ScheduleKeyDeletion and CancelKeyDeletion. The deletion itself is housekeeping's.

use serde::{Deserialize, Serialize};

use super::manage::{KeyRequest, KeyResponse};
use super::record::{Deletion, KeyRecord};
use super::state::{Need, State};
use crate::api::error::{Code, Result};
use crate::clock::{DAY, Moment, as_seconds_if_any};
use crate::service::{Ask, Call};

/// The request of ScheduleKeyDeletion.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ScheduleKeyDeletionRequest {
    pub key_id: String,
    pub pending_window_in_days: Option<u32>,
}

/// The answer of ScheduleKeyDeletion.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ScheduleKeyDeletionResponse {
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub deletion_date: Option<Moment>,
    pub key_state: &'static str,
    pub pending_window_in_days: u32,
}

/// The days a deletion may wait. The API model's own bounds are wider than what KMS takes.
const WINDOW: std::ops::RangeInclusive<u32> = 7..=30;

/// ScheduleKeyDeletion: after 7 to 30 days, 30 unless told.
pub fn schedule_key_deletion(
    call: &Call,
    request: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse> {
    let window = request.pending_window_in_days.unwrap_or(*WINDOW.end());
    if !WINDOW.contains(&window) {
        return Err(Code::ValidationException.because(format!(
            "PendingWindowInDays must be between {} and {} days (inclusive)",
            WINDOW.start(),
            WINDOW.end()
        )));
    }
    let ask =
        Ask::to("ScheduleKeyDeletion").fact("kms:ScheduleKeyDeletionPendingWindowInDays", window.to_string());
    let key = call.open(&request.key_id, &ask, Need::Deletable)?;
    call.change(&key, Need::Deletable, |record| {
        let deletion =
            Deletion { at: (!has_replicas(record)).then(|| deletion_date(call.now, window)), window };
        let answer = ScheduleKeyDeletionResponse {
            key_id: key.arn.to_string(),
            deletion_date: deletion.at,
            key_state: if deletion.at.is_some() {
                State::PendingDeletion.name()
            } else {
                State::PendingReplicaDeletion.name()
            },
            pending_window_in_days: window,
        };
        record.deletion = Some(deletion);
        Ok(answer)
    })
}

/// When a key goes whose waiting period begins now.
pub fn deletion_date(now: Moment, window: u32) -> Moment {
    now.plus(i64::from(window).saturating_mul(DAY))
}

/// A primary key with replicas is deleted only after the last of them.
fn has_replicas(record: &KeyRecord) -> bool {
    record.is_primary() && record.multi_region.as_ref().is_some_and(|multi| multi.regions.len() > 1)
}

/// CancelKeyDeletion: the key comes back disabled.
pub fn cancel_key_deletion(call: &Call, request: KeyRequest) -> Result<KeyResponse> {
    let key = call.open(&request.key_id, &Ask::to("CancelKeyDeletion"), Need::Scheduled)?;
    call.change(&key, Need::Scheduled, |record| {
        record.deletion = None;
        record.enabled = false;
        Ok(KeyResponse { key_id: key.arn.to_string() })
    })
}
