//! Lines of the log that others could cause as often as they like: one now and then, with the number of those left out.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// Whether to write the line now; if so, how many have been left out since the last one.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let (last, left_out) = &mut *self.0.lock();
        if last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            *left_out = left_out.saturating_add(1);
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_written_in_a_while_and_says_how_many_were_not() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.due_at(start), Some(0));
        assert_eq!(seldom.due_at(start), None);
        assert_eq!(seldom.due_at(start + PAUSE / 2), None);
        assert_eq!(seldom.due_at(start + PAUSE), Some(2));
        assert_eq!(seldom.due_at(start + PAUSE * 2), Some(0));
    }
}
