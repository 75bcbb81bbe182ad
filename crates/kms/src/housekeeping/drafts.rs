//! Drafts that nobody is at any more: those that this front has watched for a while without a change, by its own uptime.

use std::time::Duration;

use crate::clock::{Clock, uptime};
use crate::keys::arn::KeyArn;
use crate::keys::record::KeyRecord;
use crate::watch::{LEFT_BEHIND, Watch};

/// The drafts that are watched.
#[derive(Default)]
pub struct Drafts {
    watched: Watch<KeyArn, KeyRecord>,
    /// How far the test clock had been moved at the last pass: a draft that is seen first after it was moved counts as watched since before.
    moved: Duration,
}

impl Drafts {
    /// Whether the draft has been watched for so long that whoever made it is gone.
    pub fn is_abandoned(&mut self, draft: &KeyRecord, clock: &Clock) -> bool {
        let before = uptime().saturating_add(self.moved);
        let since = self.watched.since(draft.arn(), draft.clone(), before);
        clock.uptime().saturating_sub(since) > LEFT_BEHIND
    }

    /// The key isn't a draft, or isn't at all.
    pub fn forget(&mut self, arn: &KeyArn) {
        self.watched.forget(arn);
    }

    /// A pass is over.
    pub fn passed(&mut self, clock: &Clock) {
        self.moved = clock.moved();
    }
}
