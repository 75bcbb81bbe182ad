//! How many a second, of late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Whole seconds that the rate is over.
const SECONDS: u32 = 10;

/// A few more than are looked at: a thread that was held up writes into the past, not over the present.
const SLOTS: usize = 16;

/// Counts by second, in a ring: nobody has to look at a clock in between.
#[derive(Debug)]
pub(super) struct Rate {
    start: Instant,
    /// Of one second each: which second after the start (upper half), and how many (lower half).
    slots: [AtomicU64; SLOTS],
}

impl Default for Rate {
    fn default() -> Self {
        Rate { start: Instant::now(), slots: Default::default() }
    }
}

impl Rate {
    /// Counts one, now.
    pub fn count(&self) {
        self.count_at(self.now());
    }

    /// How many a second over the last ten whole seconds.
    pub fn per_second(&self) -> f64 {
        self.per_second_at(self.now())
    }

    fn now(&self) -> u32 {
        u32::try_from(self.start.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    fn count_at(&self, second: u32) {
        let one_more = |slot| match unpacked(slot) {
            (of, counted) if of >= second => packed(of, counted.saturating_add(1)),
            _ => packed(second, 1),
        };
        let slot = &self.slots[second as usize % SLOTS];
        // invariant: an update that is never refused can't fail.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |slot| Some(one_more(slot)));
    }

    /// The second under way is left out: it is not over.
    fn per_second_at(&self, now: u32) -> f64 {
        let window = now.saturating_sub(SECONDS)..now;
        let counted: u64 = self
            .slots
            .iter()
            .map(|slot| unpacked(slot.load(Ordering::Relaxed)))
            .filter(|(second, _)| window.contains(second))
            .map(|(_, counted)| u64::from(counted))
            .sum();
        counted as f64 / window.len().max(1) as f64
    }
}

fn packed(second: u32, counted: u32) -> u64 {
    u64::from(second) << 32 | u64::from(counted)
}

fn unpacked(slot: u64) -> (u32, u32) {
    ((slot >> 32) as u32, slot as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rate: &Rate, seconds: std::ops::Range<u32>, each: u32) {
        seconds.for_each(|second| (0..each).for_each(|_| rate.count_at(second)));
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_whole_seconds() {
        let rate = Rate::default();
        counted(&rate, 0..100, 3);
        assert_eq!(rate.per_second_at(100), 3.0);
        counted(&rate, 100..101, 50);
        assert_eq!(rate.per_second_at(100), 3.0, "the second under way does not count yet");
        assert_eq!(rate.per_second_at(101), (9.0 * 3.0 + 50.0) / 10.0);
        assert_eq!(rate.per_second_at(105), (5.0 * 3.0 + 50.0) / 10.0, "seconds without any count as such");
        assert_eq!(rate.per_second_at(111), 0.0);
        assert_eq!(rate.per_second_at(u32::MAX), 0.0);
    }

    #[test]
    fn a_node_that_has_just_started_has_a_rate_too() {
        let rate = Rate::default();
        assert_eq!(rate.per_second_at(0), 0.0);
        counted(&rate, 0..2, 4);
        assert_eq!(rate.per_second_at(1), 4.0);
        assert_eq!(rate.per_second_at(2), 4.0);
    }

    #[test]
    fn a_late_count_forgets_nothing_newer() {
        let rate = Rate::default();
        counted(&rate, 20..21, 5);
        rate.count_at(20 - SLOTS as u32);
        assert_eq!(rate.per_second_at(21), 6.0 / 10.0);
    }
}
