//! Changes that leave logins as they are: those of objects. A login found good is good still when nothing else has been written since, and nobody has
//! to look at its user again.

use super::counter::{Counter, Moved, Moving, SINCE, UNTIL};

/// Between these values of the change counter only objects have been changed; both are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    since: u64,
    until: u64,
}

impl Range {
    /// The range once a commit that changes objects only has moved the counter. Whatever came between the two ends it, and another begins.
    fn extended(self, moved: Moved) -> Range {
        match moved.from {
            Some(from) if from == self.until => Range { until: moved.to, ..self },
            Some(from) => Range { since: from, until: moved.to },
            None => Range { since: moved.to, until: moved.to },
        }
    }

    /// What stands for `seen`, a value of the counter from before, now that it is at `now`, if nothing but objects has been changed between.
    fn stands_for(self, seen: u64, now: u64) -> Option<u64> {
        // An odd one: the last of these commits is under way.
        let is_latest = now == self.until || now.checked_add(1) == Some(self.until);
        (is_latest && (self.since..=self.until).contains(&seen)).then_some(self.until)
    }
}

impl Counter {
    /// The value that stands for `seen`, an earlier one, where nothing but objects has been changed since, by whatever process.
    pub(super) fn steady_since(&self, seen: u64) -> Option<u64> {
        let now = self.raw();
        // In this order: the end is stored last, so the beginning is not an earlier one's.
        let counters = self.mapped().filter(|_| !self.is_retired())?;
        let until = counters.load(UNTIL);
        Range { since: counters.load(SINCE), until }.stands_for(seen, now)
    }
}

impl Moving<'_> {
    /// The commit changes objects only. Who does not say so, be it an earlier version, has changed anything.
    pub(super) fn stays_steady(&self) {
        let counters = self.counters();
        let range = Range { since: counters.load(SINCE), until: counters.load(UNTIL) }.extended(self.moved());
        counters.store(SINCE, range.since);
        counters.store(UNTIL, range.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: u64, to: u64) -> Moved {
        Moved { from: Some(from), to }
    }

    #[test]
    fn what_was_seen_before_changes_of_objects_stands_until_anything_else_is_written() {
        let mut range = Range { since: 2, until: 2 };
        assert_eq!(range.stands_for(1, 2), None);
        range = range.extended(moved(4, 6)).extended(moved(6, 8));
        for (seen, now, expected) in [
            (4, 8, Some(8)),
            (6, 8, Some(8)),
            (4, 7, Some(8)),
            (2, 8, None),
            (4, 9, None),
            (4, 10, None),
            (10, 8, None),
        ] {
            assert_eq!(range.stands_for(seen, now), expected, "{seen} {now}");
        }
        // Something else has been written at 8 to 10.
        range = range.extended(moved(10, 12));
        assert_eq!((range.stands_for(8, 12), range.stands_for(10, 12)), (None, Some(12)));
        // Or its writer has died, or has just committed.
        assert_eq!(range.extended(Moved { from: None, to: 16 }).stands_for(12, 16), None);
    }

    #[test]
    fn the_counters_of_a_file_that_was_replaced_vouch_for_no_login() {
        let folder = tempfile::tempdir().unwrap();
        let counter = Counter::open(folder.path());
        assert_eq!(counter.steady_since(0), Some(0));
        counter.retire();
        assert_eq!(counter.steady_since(0), None);
    }

    #[test]
    fn a_process_knows_of_anothers_changes_whether_they_leave_logins_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Counter::open(folder.path()), Counter::open(folder.path()));
        let change = |counter: &Counter, only_objects: bool| {
            let moving = counter.begin().unwrap();
            if only_objects {
                moving.stays_steady();
            }
        };
        change(&one, false);
        let seen = other.value().unwrap();
        change(&one, true);
        change(&other, true);
        assert_eq!(other.steady_since(seen), other.value());
        change(&one, false);
        assert_eq!(other.steady_since(seen), None);
        change(&one, true);
        assert_eq!(other.steady_since(seen), None);
    }
}
