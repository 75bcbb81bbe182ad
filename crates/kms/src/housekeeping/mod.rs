//! What happens to keys by themselves: deletions whose day has come, rotations that are due, imports that expire, and what crashes left.
//!
//! Every front keeps house; they may all do the same at the same time. Whoever acts takes the key's latch, reads the record again and does only what
//! is still due, so doing it twice does nothing. Nobody walks all keys to find what is due: a front remembers when something is due next with
//! which key ([`Diary`]), from one round of all records when it starts and from its own changes since. What other fronts change, it
//! learns from its rounds ([`round`]), a slice of the records each time.

mod diary;
mod drafts;
mod expiry;
mod imports;
mod remove;
mod round;
mod tell;
mod tend;
mod trust;

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

pub use diary::next_due;
pub use expiry::{Expiring, ExpiryMetrics};
pub use trust::LastSeen;

use crate::clock::Moment;
use crate::hsm::error::Result;
use crate::keys::arn::KeyArn;
use crate::keys::record::KeyRecord;
use crate::service::Service;
use diary::Diary;
use drafts::Drafts;
use round::Round;
use trust::Trust;

/// How long after a failure it is tried again, in milliseconds.
const AGAIN: i64 = 60_000;

/// What one front remembers for its housekeeping.
#[derive(Default)]
pub struct House {
    diary: Mutex<Diary>,
    /// Held for a whole pass: passes of one front don't overlap.
    round: Mutex<Round>,
    trust: Mutex<Trust>,
    drafts: Mutex<Drafts>,
    stopping: AtomicBool,
}

/// What a pass goes by.
#[derive(Clone, Copy)]
struct Pass {
    /// What time it is for keys.
    now: Moment,
    /// Whether that is believed enough to do what can't be undone.
    may_destroy: bool,
}

/// What a pass has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Keys deleted for good.
    pub deleted: usize,
    /// Keys that were being made when a front died, undone.
    pub undone: usize,
    /// Keys rotated on schedule.
    pub rotated: usize,
    /// Imported materials that expired.
    pub expired: usize,
    /// Multi-Region keys whose records were brought together.
    pub healed: usize,
    /// Import parameters that expired.
    pub parameters: usize,
    /// Claims that dead fronts left.
    pub claims: usize,
    /// Keys with which something is due that can't be undone, put off because the wall clock is in doubt.
    pub delayed: usize,
    /// Keys that something failed with; it is tried again.
    pub failed: usize,
}

impl House {
    /// Remembers when something is due with the key. To be told after every change of its record.
    pub fn note(&self, record: &KeyRecord, now: Moment) {
        self.diary.lock().note(record, now);
    }

    /// Remembers to look after the key then.
    pub fn remind(&self, arn: KeyArn, at: Moment) {
        self.diary.lock().remind(arn, at);
    }

    /// Ends the pass under way as soon as may be: the front stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The keys with imported material that expires, and the earliest moment of each.
    pub fn expiring(&self) -> Vec<(KeyArn, Moment)> {
        self.diary.lock().expiring()
    }
}

impl Service {
    /// Does all that is due at `now`.
    ///
    /// # Errors
    ///
    /// What keeps it from looking at all. What fails with one key is logged, counted and tried again.
    pub fn keep_house(&self, now: Moment) -> Result<Report> {
        let mut round = self.house.round.lock();
        let mut report = Report::default();
        let pass = Pass { now, may_destroy: self.trusts_clock()? };
        self.walk_round(&mut round, now)?;
        let due = self.house.diary.lock().take_due(now);
        for arn in due.into_iter().take_while(|_| !self.house.is_stopping()) {
            if let Err(fault) = self.tend(&arn, pass, &mut report) {
                tracing::warn!(key = %arn, %fault, "housekeeping failed with a key; it will try again");
                report.failed += 1;
                self.house.remind(arn, now.plus(AGAIN));
            }
        }
        self.house.drafts.lock().passed(&self.clock);
        if pass.may_destroy {
            report.parameters = self.clear_imports(now)?;
        }
        report.claims = self.book.clear_claims()?;
        Ok(report)
    }
}
