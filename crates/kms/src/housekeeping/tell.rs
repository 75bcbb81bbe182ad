//! The service's own acts in the audit trail, under the names that AWS gives these events.

use std::time::SystemTime;

use serde_json::Value;

use super::Service;
use crate::api::error::{Fault, Result};
use crate::audit::{Event, Trail, Who};
use crate::keys::arn::KeyArn;

impl Service {
    /// Tells of an act of the service with a key, after it. One that `failed` is told as well: some of it may have been done. What can't be written,
    /// the trail counts as lost: the act is done.
    pub(super) fn tell(&self, act: &str, key: &KeyArn, details: &Value, failed: Option<&Fault>) {
        let Some(trail) = &self.trail else { return };
        let arn = key.to_string();
        let event = Event {
            request_id: "",
            time: SystemTime::now(),
            operation: act,
            read_only: false,
            who: Who::Service { account: &key.account, region: &key.region },
            user_agent: None,
            tls: None,
            request: details,
            outcome: failed.map_or(Ok(&Value::Null), Err),
            keys: &[&arn],
        };
        if let Err(fault) = trail.record(&event) {
            tracing::error!(key = %arn, act, %fault, "an act of the service is not in the audit trail");
        }
    }

    /// Fails where acts must not be done because they can't be told.
    pub(super) fn may_act(&self) -> Result<()> {
        self.trail.as_ref().map_or(Ok(()), Trail::ready)
    }
}
