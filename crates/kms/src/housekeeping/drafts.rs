//! Drafts that nobody is at any more: those that this front has watched for a while without a change, by its own uptime. What time other fronts' clocks
//! show when they make a draft doesn't matter.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::{Clock, uptime};
use crate::keys::arn::KeyArn;
use crate::keys::record::KeyRecord;

/// How long something half done is left to whoever may still be doing it.
const LEFT_ALONE: Duration = Duration::from_secs(60);

/// The drafts that are watched.
#[derive(Default)]
pub struct Drafts {
    watched: HashMap<KeyArn, (KeyRecord, Duration)>,
    /// How far the test clock had been moved at the last pass: a draft that is seen first after it was moved counts as watched since before.
    moved: Duration,
}

impl Drafts {
    /// Whether the draft has been watched for so long that whoever made it is gone.
    pub fn is_abandoned(&mut self, draft: &KeyRecord, clock: &Clock) -> bool {
        let up = uptime();
        let before = up.saturating_add(self.moved);
        let (watched, since) = self.watched.entry(draft.arn()).or_insert_with(|| (draft.clone(), before));
        if watched != draft {
            (*watched, *since) = (draft.clone(), before);
        }
        up.saturating_add(clock.moved()).saturating_sub(*since) > LEFT_ALONE
    }

    /// The key isn't a draft, or isn't at all.
    pub fn forget(&mut self, arn: &KeyArn) {
        self.watched.remove(arn);
    }

    /// A pass is over.
    pub fn passed(&mut self, clock: &Clock) {
        self.moved = clock.moved();
    }
}
