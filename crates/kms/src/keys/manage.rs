//! EnableKey, DisableKey and UpdateKeyDescription.

use serde::{Deserialize, Serialize};

use super::state::Need;
use crate::api::error::Result;
use crate::service::{Ask, Call};

/// A request that names a key and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct KeyRequest {
    pub key_id: String,
}

/// An answer that names the key and nothing else.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct KeyResponse {
    pub key_id: String,
}

/// The answer of operations that have none.
#[derive(Serialize)]
pub struct Done {}

/// EnableKey.
pub fn enable_key(call: &Call, request: KeyRequest) -> Result<Done> {
    switch(call, &request, "EnableKey", true)
}

/// DisableKey.
pub fn disable_key(call: &Call, request: KeyRequest) -> Result<Done> {
    switch(call, &request, "DisableKey", false)
}

fn switch(call: &Call, request: &KeyRequest, action: &'static str, enabled: bool) -> Result<Done> {
    let key = call.open(&request.key_id, &Ask::to(action), Need::Switchable)?;
    call.change(&key, Need::Switchable, |record| {
        record.enabled = enabled;
        Ok(Done {})
    })
}

/// The request of UpdateKeyDescription.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct UpdateKeyDescriptionRequest {
    pub key_id: String,
    pub description: String,
}

/// UpdateKeyDescription.
pub fn update_key_description(call: &Call, request: UpdateKeyDescriptionRequest) -> Result<Done> {
    let key = call.open(&request.key_id, &Ask::to("UpdateKeyDescription"), Need::Alive)?;
    call.change(&key, Need::Alive, |record| {
        record.description = request.description;
        Ok(Done {})
    })
}
