//! Which objects the latest changes were of, by log index: so clients can go on with what they know of all others.
//!
//! It is in memory and bounded, and says that anything may have changed where it doesn't know.

use cloister::proto::message::Changed;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// Log entries remembered at most.
const MOST_ENTRIES: usize = 65_536;
/// Objects of one answer at most. With more, a client is better off asking anew.
const MOST_TOLD: usize = 64;

#[derive(Default)]
struct Latest {
    /// All is known of the changes above this index, up to `end`.
    start: u64,
    end: u64,
    /// By ascending index; entries that changed no object have none.
    changes: VecDeque<(u64, Changed)>,
}

/// The latest changes.
#[derive(Default)]
pub struct Changes(Mutex<Latest>);

impl Changes {
    /// The log entry at `index` has changed these objects, made and destroyed ones among them; to be told of every entry, in turn, also of those
    /// that change none. Where entries are left out (a snapshot has come), what was before is no longer told.
    pub fn note(&self, index: u64, changed: Changed) {
        let mut latest = self.0.lock();
        if latest.end.checked_add(1) != Some(index) {
            latest.changes.clear();
            latest.start = index.saturating_sub(1);
        }
        latest.end = index;
        match &changed {
            Changed::Only(ids) if ids.is_empty() => return,
            Changed::Only(ids) if ids.len() > MOST_TOLD => latest.changes.push_back((index, Changed::Any)),
            _ => latest.changes.push_back((index, changed)),
        }
        if latest.changes.len() > MOST_ENTRIES
            && let Some((oldest, _)) = latest.changes.pop_front()
        {
            latest.start = oldest;
        }
    }

    /// What has changed above the index `from`, up to `to`.
    pub fn between(&self, from: u64, to: u64) -> Changed {
        if from >= to {
            return Changed::Only(Vec::new());
        }
        let latest = self.0.lock();
        if from < latest.start || to > latest.end {
            return Changed::Any;
        }
        let first = latest.changes.partition_point(|(index, _)| *index <= from);
        let mut told = Vec::new();
        for (_, changed) in latest.changes.range(first..).take_while(|(index, _)| *index <= to) {
            let Changed::Only(ids) = changed else { return Changed::Any };
            told.extend_from_slice(ids);
            if told.len() > MOST_TOLD {
                return Changed::Any;
            }
        }
        Changed::Only(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloister::token::ObjectId;

    fn id(number: u8) -> ObjectId {
        ObjectId([number; 16])
    }

    fn only(numbers: &[u8]) -> Changed {
        Changed::Only(numbers.iter().copied().map(id).collect())
    }

    /// 5: object 1; 6: none; 7: objects 2 and 3.
    fn changes() -> Changes {
        let changes = Changes::default();
        for (index, ids) in [(5, &[1][..]), (6, &[]), (7, &[2, 3])] {
            changes.note(index, only(ids));
        }
        changes
    }

    #[test]
    fn what_changed_between_two_indexes_is_told() {
        let changes = changes();
        let told = |from, to| changes.between(from, to);
        assert_eq!((told(4, 7), told(5, 7), told(4, 6)), (only(&[1, 2, 3]), only(&[2, 3]), only(&[1])));
        assert_eq!((told(5, 6), told(7, 7), told(9, 8)), (only(&[]), only(&[]), only(&[])));
    }

    #[test]
    fn beyond_what_is_known_anything_may_have_changed() {
        let changes = changes();
        assert_eq!((changes.between(3, 7), changes.between(4, 8)), (Changed::Any, Changed::Any));
        assert_eq!(Changes::default().between(0, 1), Changed::Any);
    }

    #[test]
    fn entries_left_out_make_what_was_before_unknown() {
        let changes = changes();
        changes.note(20, only(&[4]));
        assert_eq!((changes.between(19, 20), changes.between(7, 20)), (only(&[4]), Changed::Any));
    }

    #[test]
    fn an_entry_that_changes_all_is_told_as_such() {
        let changes = changes();
        changes.note(8, Changed::Any);
        changes.note(9, only(&[5]));
        assert_eq!((changes.between(7, 9), changes.between(8, 9)), (Changed::Any, only(&[5])));
    }

    #[test]
    fn more_than_an_answer_should_tell_is_anything() {
        let changes = changes();
        changes.note(8, Changed::Only(vec![id(9); MOST_TOLD + 1]));
        assert_eq!(changes.between(7, 8), Changed::Any);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let changes = Changes::default();
        let last = MOST_ENTRIES as u64 + 1;
        (1..=last).for_each(|index| changes.note(index, only(&[1])));
        assert_eq!(changes.between(0, 1), Changed::Any);
        assert_eq!(changes.between(1, 2), only(&[1]));
        assert_eq!(changes.0.lock().changes.len(), MOST_ENTRIES);
    }
}
