//! What records say is half done, and whether anybody is still at it.

use parking_lot::Mutex;

use super::Service;
use crate::watch::{LEFT_BEHIND, Watch};

/// What this front has seen half done: by the record's label, what names the attempt.
pub type HalfDone = Mutex<Watch<String, String>>;

impl Service {
    /// Whether nobody is at `attempt` any more, which the record of that label says is half done: this front has watched it for a minute.
    pub fn is_left_behind(&self, label: &str, attempt: &str) -> bool {
        let now = self.clock.uptime();
        let since = self.half_done.lock().since(label.to_owned(), attempt.to_owned(), now);
        now.saturating_sub(since) > LEFT_BEHIND
    }

    /// The record of that label says nothing half done, or isn't at all.
    pub fn is_done(&self, label: &str) {
        self.half_done.lock().forget(label);
    }
}
