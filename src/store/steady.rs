//! Changes of this process that leave its logins as they are: those of objects. A login found good is good still when nothing else has been
//! written since, and nobody has to look at its user again.

use super::counter::Moved;
use parking_lot::Mutex;

/// Between these values of the change counter only objects have been changed, and by this process only; both are even.
#[derive(Clone, Copy, Default)]
struct Range {
    since: u64,
    until: u64,
}

/// The latest such range.
#[derive(Default)]
pub(super) struct Steady(Mutex<Range>);

impl Steady {
    /// A commit that changes objects only is about to move the counter. The caller holds SQLite's write lock.
    pub(super) fn extend(&self, moved: Moved) {
        let mut range = self.0.lock();
        match moved.from {
            Some(from) if from == range.until => range.until = moved.to,
            Some(from) => *range = Range { since: from, until: moved.to },
            None => *range = Range { since: moved.to, until: moved.to },
        }
    }

    /// What stands for `seen`, a value of the counter from before, now that it is at `now`, if nothing but objects has been changed between.
    pub(super) fn since(&self, seen: u64, now: u64) -> Option<u64> {
        let range = *self.0.lock();
        // An odd one: the last of these commits is under way.
        let is_ours = now == range.until || now.checked_add(1) == Some(range.until);
        (is_ours && (range.since..=range.until).contains(&seen)).then_some(range.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: u64, to: u64) -> Moved {
        Moved { from: Some(from), to }
    }

    #[test]
    fn what_was_seen_before_changes_of_objects_stands_until_somebody_else_writes() {
        let steady = Steady::default();
        assert_eq!(steady.since(2, 4), None);
        steady.extend(moved(4, 6));
        steady.extend(moved(6, 8));
        for (seen, now, expected) in [
            (4, 8, Some(8)),
            (6, 8, Some(8)),
            (4, 7, Some(8)),
            (2, 8, None),
            (4, 9, None),
            (4, 10, None),
            (10, 8, None),
        ] {
            assert_eq!(steady.since(seen, now), expected, "{seen} {now}");
        }
        // Another process has been at 8 to 10.
        steady.extend(moved(10, 12));
        assert_eq!(steady.since(8, 12), None);
        assert_eq!(steady.since(10, 12), Some(12));
        // Or has died, or has just committed.
        steady.extend(Moved { from: None, to: 16 });
        assert_eq!(steady.since(12, 16), None);
    }
}
