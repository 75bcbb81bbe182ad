//! Whether the wall clock can be believed. One that was set wrong by years would delete every key that waits for its day, for good. So what can't be
//! undone waits an hour when the wall clock has run ahead of the machine's uptime, or when a front starts much later than any front was last seen:
//! time for somebody to read the log. The test clock is left out of it: it is moved on purpose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::book::{Kept, label};
use crate::clock::{DAY, Moment, uptime};
use crate::hsm::error::Result;
use crate::service::Service;

/// How far the wall clock may run ahead of the uptime between two passes, in milliseconds.
const JUMP: i64 = 10 * 60 * 1000;

/// How long all fronts may have been away without any doubt, in milliseconds.
const AWAY: i64 = 2 * DAY;

/// How long a doubt lasts, by uptime.
const DOUBT: Duration = Duration::from_secs(60 * 60);

/// How often the time is kept in the token, in milliseconds.
const KEPT: i64 = 60 * 60 * 1000;

/// What one front knows of its wall clock.
#[derive(Default)]
pub struct Trust {
    /// How far the wall clock was ahead of the uptime at the last pass, in milliseconds; none before the first.
    ahead: Option<i64>,
    /// Until when, by uptime, it isn't believed.
    doubted: Duration,
    /// The time that this front last saw in the token, or kept there.
    seen: Option<Moment>,
}

/// The record of when fronts were last seen, by the real time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// The version of this record.
    pub format: u32,
    /// The moment.
    pub at: Moment,
}

impl Trust {
    /// Whether the wall clock, which shows `wall` after `up` of uptime, is believed. `seen`: what the token says, asked at the first pass.
    fn judge(
        &mut self,
        wall: Moment,
        up: Duration,
        seen: impl FnOnce() -> Result<Option<Moment>>,
    ) -> Result<bool> {
        let ahead = wall.0.saturating_sub(i64::try_from(up.as_millis()).unwrap_or(i64::MAX));
        let jumped = match self.ahead {
            Some(before) => ahead.saturating_sub(before) > JUMP,
            None => {
                self.seen = seen()?;
                self.seen.is_some_and(|seen| seen.plus(AWAY) < wall)
            }
        };
        self.ahead = Some(ahead);
        if jumped {
            self.doubted = up.saturating_add(DOUBT);
            tracing::error!(
                "the wall clock is far ahead of when it was last seen; no key and no material is deleted in the next hour. If the time is wrong, \
                 stop this front and set the clock before it is over"
            );
        }
        Ok(up >= self.doubted)
    }

    /// Whether the token's time is old, or was kept by a clock that was wrong.
    fn is_to_keep(&self, wall: Moment) -> bool {
        self.seen.is_none_or(|seen| is_old(seen, wall))
    }
}

fn is_old(seen: Moment, wall: Moment) -> bool {
    wall.0.saturating_sub(seen.0).saturating_abs() >= KEPT
}

impl Service {
    /// Whether what can't be undone may be done by the wall clock; keeps the time in the token where it is believed.
    pub(super) fn trusts_clock(&self) -> Result<bool> {
        let mut trust = self.house.trust.lock();
        let wall = Moment::real();
        let seen = || Ok(self.book.read::<LastSeen>(label::LAST_SEEN)?.map(|kept| kept.value.at));
        let believed = trust.judge(wall, uptime(), seen)?;
        if believed && trust.is_to_keep(wall) {
            match self.keep_time(wall) {
                Ok(()) => trust.seen = Some(wall),
                Err(trouble) => tracing::warn!(%trouble, "the time can't be kept in the token"),
            }
        }
        Ok(believed)
    }

    fn keep_time(&self, wall: Moment) -> Result<()> {
        let latch = self.book.latch(label::LAST_SEEN)?;
        let record = LastSeen { format: 1, at: wall };
        match self.book.read::<LastSeen>(label::LAST_SEEN)? {
            // Another front was first.
            Some(kept) if !is_old(kept.value.at, wall) => {}
            Some(Kept { object, .. }) => {
                latch.still_held()?;
                self.book.replace(label::LAST_SEEN, object, &record)?;
            }
            None => {
                latch.still_held()?;
                self.book.create(label::LAST_SEEN, &record)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * 1000;
    const WALL: Moment = Moment(1_700_000_000_000);

    fn judge(trust: &mut Trust, wall: i64, up: i64, seen: Option<Moment>) -> bool {
        let up = Duration::from_millis(up.try_into().expect("not before the start"));
        trust.judge(WALL.plus(wall), up, || Ok(seen)).expect("no token is asked")
    }

    #[test]
    fn a_wall_clock_that_runs_ahead_of_the_uptime_is_doubted_for_an_hour() {
        let mut trust = Trust::default();
        assert!(judge(&mut trust, 0, 0, None));
        // Asleep for a day; then set right by a little; then back.
        assert!(judge(&mut trust, DAY, DAY, None));
        assert!(judge(&mut trust, DAY + 9 * MINUTE, DAY, None));
        assert!(judge(&mut trust, DAY - 9 * MINUTE, DAY, None));
        let jump = 365 * DAY;
        assert!(!judge(&mut trust, DAY + jump, DAY, None));
        assert!(!judge(&mut trust, DAY + jump + 59 * MINUTE, DAY + 59 * MINUTE, None));
        assert!(judge(&mut trust, DAY + jump + 60 * MINUTE, DAY + 60 * MINUTE, None));
    }

    #[test]
    fn a_front_that_starts_days_after_all_others_were_last_seen_waits_an_hour() {
        for (seen, believed) in
            [(None, true), (Some(-2 * DAY), true), (Some(-2 * DAY - 1), false), (Some(9 * DAY), true)]
        {
            let mut trust = Trust::default();
            let seen = seen.map(|seen| WALL.plus(seen));
            assert_eq!(judge(&mut trust, 0, 5, seen), believed, "{seen:?}");
            assert_eq!(judge(&mut trust, 30 * MINUTE, 5 + 30 * MINUTE, seen), believed);
            assert!(judge(&mut trust, 60 * MINUTE, 5 + 60 * MINUTE, seen));
        }
    }

    #[test]
    fn the_time_is_kept_once_an_hour_and_set_right_when_it_was_wrong() {
        let kept = |seen: Option<i64>| {
            let trust = Trust { seen: seen.map(|seen| WALL.plus(seen)), ..Trust::default() };
            trust.is_to_keep(WALL)
        };
        assert!(kept(None) && kept(Some(-60 * MINUTE)) && kept(Some(365 * DAY)));
        assert!(!kept(Some(-59 * MINUTE)) && !kept(Some(0)));
    }
}
