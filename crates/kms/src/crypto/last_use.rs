//! GetKeyLastUsage: when a key last did its work, and for which request.
//!
//! Each front notes in memory and writes what it noted into a small record of each key now and then: an answer may lag behind another front by that time.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::api::error::{Code, Result};
use crate::book::{Book, label};
use crate::clock::{Moment, as_seconds};
use crate::hsm::Trouble;
use crate::keys::arn::KeyArn;
use crate::keys::record::KeyRecord;
use crate::keys::state::Need;
use crate::service::{Ask, Call, Key};

/// The last use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// The operation.
    pub operation: String,
    /// When.
    pub at: Moment,
    /// The id of the request.
    pub request: String,
}

/// What a front has noted and not written yet.
#[derive(Default)]
pub struct LastUses(Mutex<HashMap<KeyArn, LastUse>>);

impl LastUses {
    fn note(&self, key: &KeyArn, last: LastUse) {
        let mut noted = self.0.lock();
        match noted.get_mut(key) {
            Some(before) => *before = last,
            None => {
                noted.insert(key.clone(), last);
            }
        }
    }

    fn of(&self, key: &KeyArn) -> Option<LastUse> {
        self.0.lock().get(key).cloned()
    }

    /// Writes what was noted since the last time into the keys' records. What can't be written is noted again.
    pub fn write(&self, book: &Book) {
        let noted = std::mem::take(&mut *self.0.lock());
        for (key, last) in noted {
            if let Err(trouble) = write(book, &key, &last) {
                tracing::warn!(%key, %trouble, "the last use of a key can't be written now");
                self.0.lock().entry(key).or_insert(last);
            }
        }
    }
}

/// Fronts that write of one key take turns; the later use stays. Nothing is written of a key that is gone.
fn write(book: &Book, key: &KeyArn, last: &LastUse) -> std::result::Result<(), Trouble> {
    let record = book.read::<KeyRecord>(&label::key(&key.account, &key.region, &key.id))?;
    if record.is_none_or(|record| record.value.draft.is_some()) {
        return Ok(());
    }
    let name = label::last_use(&key.account, &key.region, &key.id);
    let latch = book.latch(&name)?;
    let kept = book.read::<LastUse>(&name)?;
    latch.still_held()?;
    match kept {
        Some(kept) if kept.value.at > last.at => Ok(()),
        Some(kept) => book.replace(&name, kept.object, last).map(|_| ()),
        None => book.create(&name, last).map(|_| ()),
    }
}

impl Call<'_> {
    /// Notes that `key` did its work for this request.
    pub fn used(&self, key: &Key) {
        let last = LastUse {
            operation: self.operation.to_owned(),
            at: self.now,
            request: self.request_id.to_owned(),
        };
        self.service.last_uses.note(&key.arn, last);
    }
}

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetKeyLastUsageRequest {
    pub key_id: String,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct GetKeyLastUsageResponse {
    pub key_id: String,
    pub key_last_usage: KeyLastUsage,
    #[serde(serialize_with = "as_seconds")]
    pub tracking_start_date: Moment,
    #[serde(serialize_with = "as_seconds")]
    pub key_creation_date: Moment,
}

/// The last use; without members if there was none.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct KeyLastUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_request_id: Option<String>,
}

/// GetKeyLastUsage: of a key of the caller's account, named by id or ARN. Every use since it was made is known.
pub fn get_key_last_usage(call: &Call, request: GetKeyLastUsageRequest) -> Result<GetKeyLastUsageResponse> {
    let key = call.key(&request.key_id)?;
    if key.alias.is_some() || key.arn.account != call.caller.account {
        return Err(Code::NotFoundException.because(format!("Invalid keyId '{}'", request.key_id)));
    }
    call.admit(&key, &Ask::to("GetKeyLastUsage"), Need::Anything)?;
    let kept = call.service.book.read::<LastUse>(&label::last_use(
        &key.arn.account,
        &key.arn.region,
        &key.arn.id,
    ))?;
    let kept = kept.map(|kept| LastUse::clone(&kept.value));
    let last = [kept, call.service.last_uses.of(&key.arn)].into_iter().flatten().max_by_key(|last| last.at);
    Ok(GetKeyLastUsageResponse {
        key_id: key.arn.to_string(),
        key_last_usage: last.map(KeyLastUsage::from).unwrap_or_default(),
        tracking_start_date: key.record.created,
        key_creation_date: key.record.created,
    })
}

impl From<LastUse> for KeyLastUsage {
    fn from(last: LastUse) -> Self {
        Self {
            operation: Some(last.operation),
            timestamp: Some(last.at.seconds()),
            kms_request_id: Some(last.request),
        }
    }
}
