//! When something was last seen, so that nobody has to look at it each time.

use crate::crypto::ffi::clock::coarse_milliseconds;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long what was seen is taken to be there still, in milliseconds.
const RECENT: u64 = 10;

/// The time of the last look that found it, in milliseconds of the coarse clock; 0: never, or the last look did not find it.
#[derive(Default)]
pub(super) struct Sight(AtomicU64);

impl Sight {
    /// It was looked for now, and was `found` or not.
    pub(super) fn set(&self, found: bool) {
        let now = if found { coarse_milliseconds() } else { 0 };
        // Many look, and each would take the line of memory from the others: only what says something new is stored.
        if self.0.load(Ordering::Relaxed) != now {
            self.0.store(now, Ordering::Relaxed);
        }
    }

    /// Whether it was found so lately that nobody has to look again.
    pub(super) fn is_recent(&self) -> bool {
        self.is_recent_at(coarse_milliseconds())
    }

    fn is_recent_at(&self, now: u64) -> bool {
        let seen = self.0.load(Ordering::Relaxed);
        seen != 0 && now.saturating_sub(seen) < RECENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_recent_for_a_while_and_no_longer() {
        let sight = Sight(AtomicU64::new(1000));
        assert!(sight.is_recent_at(1000) && sight.is_recent_at(1000 + RECENT - 1));
        assert!(!sight.is_recent_at(1000 + RECENT));
    }

    #[test]
    fn what_was_never_seen_or_was_missed_is_not_recent() {
        let sight = Sight::default();
        assert!(!sight.is_recent());
        sight.set(true);
        sight.set(false);
        assert!(!sight.is_recent() && !sight.is_recent_at(0));
    }
}
