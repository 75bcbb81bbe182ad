//! Rounds: all keys are looked at once when a front starts, and slice by slice from then on, to learn what other fronts have changed.

use super::Service;
use crate::book::{Kept, label};
use crate::clock::Moment;
use crate::hsm::error::Result;
use crate::keys::record::KeyRecord;

/// Keys looked at in a pass: with three passes a minute, 100,000 keys are seen in about an hour.
const SLICE: usize = 500;

/// When the keys' time has jumped by more than this since the last pass, in milliseconds, all keys are looked at again.
const JUMP: i64 = 60 * 60 * 1000;

/// How far the round has come.
#[derive(Default)]
pub struct Round {
    /// The name it goes on after.
    after: Option<String>,
    /// The keys' time at the last pass; none before the first.
    last: Option<Moment>,
}

impl Service {
    /// Looks at the next slice, or at everything.
    pub(super) fn walk_round(&self, round: &mut Round, now: Moment) -> Result<()> {
        let everything = round.last.is_none_or(|last| now.0.saturating_sub(last.0).abs() > JUMP);
        if everything {
            round.after = None;
        }
        loop {
            let names = self.book.names(label::KEYS, round.after.as_deref(), SLICE)?;
            for name in &names {
                self.look_at(name, now)?;
            }
            round.after = names.last().filter(|_| names.len() == SLICE).cloned();
            if !everything || round.after.is_none() || self.house.is_stopping() {
                break;
            }
        }
        round.last = Some(now);
        Ok(())
    }

    /// Notes what is due with one key. Read past the cache, which is for keys that are used.
    fn look_at(&self, name: &str, now: Moment) -> Result<()> {
        for Kept { value: record, .. } in self.book.all::<KeyRecord>(name)? {
            self.house.note(&record, now);
            if self.is_apart(&record)? {
                self.house.remind(record.arn(), now);
            }
        }
        Ok(())
    }

    /// Whether a multi-Region key's records differ in what they should share.
    fn is_apart(&self, record: &KeyRecord) -> Result<bool> {
        if record.draft.is_some() || record.multi_region.is_none() {
            return Ok(false);
        }
        Ok(self
            .relatives(record)?
            .iter()
            .any(|relative| relative.draft.is_none() && relative.shares_otherwise_than(record)))
    }
}
