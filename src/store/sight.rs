//! When something was last seen, so that nobody has to look at it each time.

use crate::crypto::ffi::clock::coarse_milliseconds;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long what was seen is taken to be there still, in milliseconds.
const RECENT: u64 = 10;

/// The time of the last look that found it, in milliseconds of the coarse clock; 0: never, or the last look did not find it.
#[derive(Default)]
pub(super) struct Sight(AtomicU64);

impl Sight {
    /// Looks for it by `look`, which answers whether it is there, and remembers that. What can't be looked at is not there.
    pub(super) fn look<E>(&self, look: impl FnOnce() -> Result<bool, E>) -> Result<bool, E> {
        // The time before the look: what was seen may be gone by the time that it is told.
        let now = coarse_milliseconds();
        let found = look();
        let seen = if matches!(found, Ok(true)) { now } else { 0 };
        // Many look, and each would take the line of memory from the others: only what says something new is stored.
        if self.0.load(Ordering::Relaxed) != seen {
            self.0.store(seen, Ordering::Relaxed);
        }
        found
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
    fn what_was_never_seen_was_missed_or_cannot_be_looked_at_is_not_recent() {
        let sight = Sight::default();
        assert!(!sight.is_recent());
        for missed in [Ok(false), Err(())] {
            assert_eq!(sight.look(|| Ok::<_, ()>(true)), Ok(true));
            assert_eq!(sight.look(|| missed), missed);
            assert!(!sight.is_recent() && !sight.is_recent_at(0));
        }
    }

    #[test]
    fn what_was_seen_is_as_old_as_the_look_not_as_its_telling() {
        let sight = Sight::default();
        let mut began = 0;
        let slow = || {
            began = coarse_milliseconds();
            while coarse_milliseconds() < began + RECENT {}
            Ok::<_, ()>(true)
        };
        assert_eq!(sight.look(slow), Ok(true));
        assert!(!sight.is_recent_at(began + RECENT));
    }
}
