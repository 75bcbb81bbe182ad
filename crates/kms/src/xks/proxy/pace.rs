//! A prefix's share of requests a second.

use parking_lot::Mutex;
use std::time::Instant;

/// A bucket that holds one second's share, and fills as time goes by.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    left: Mutex<(f64, Instant)>,
}

impl Pace {
    pub(super) fn new(per_second: u32, now: Instant) -> Pace {
        let per_second = f64::from(per_second);
        Pace { per_second, left: Mutex::new((per_second, now)) }
    }

    /// Takes one request out of the share, if it has any left.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut left = self.left.lock();
        let since = now.saturating_duration_since(left.1).as_secs_f64();
        let filled = (left.0 + since * self.per_second).min(self.per_second);
        let taken = filled >= 1.0;
        *left = (if taken { filled - 1.0 } else { filled }, now.max(left.1));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_share_is_a_seconds_worth_and_comes_back_with_time() {
        let start = Instant::now();
        let pace = Pace::new(4, start);
        let taken = |at: Instant| (0..100).take_while(|_| pace.take(at)).count();
        assert_eq!(taken(start), 4);
        assert_eq!(taken(start + Duration::from_millis(500)), 2);
        assert_eq!(taken(start + Duration::from_millis(400)), 0);
        assert_eq!(taken(start + Duration::from_secs(60)), 4);
    }
}
