//! Changing a key's record: read, changed and written under its latch, so that no two changes meet.

use super::arn::KeyArn;
use super::hold::Held;
use super::record::KeyRecord;
use super::state::{self, Need, State};
use crate::api::error::{Code, Fault, Result};
use crate::service::{Call, Key};

impl Call<'_> {
    /// Changes the record of `key`: `change` sees it as it is now, after the state was checked again, and what it leaves is written. If it fails, nothing is.
    pub fn change<T>(
        &self,
        key: &Key,
        need: Need,
        change: impl FnOnce(&mut KeyRecord) -> Result<T>,
    ) -> Result<T> {
        let mut held = self.hold(&key.arn, need)?;
        let result = change(&mut held.record)?;
        held.keep()?;
        Ok(result)
    }

    /// The key's record under its latch, for changes of several steps; its state was checked again.
    pub fn hold(&self, arn: &KeyArn, need: Need) -> Result<Held<'_>> {
        let held = self
            .service
            .hold(arn)?
            .filter(|held| held.record.exists(self.now))
            .ok_or_else(|| missing(arn))?;
        self.check(need, &held.record)?;
        Ok(held)
    }

    /// Whether the key is in a state for `need`.
    pub fn check(&self, need: Need, record: &KeyRecord) -> Result<()> {
        state::check(need, State::of(record, self.now, self.reachable(record)), &record.arn().to_string())
    }
}

/// The refusal of a key that isn't there.
pub fn missing(arn: &KeyArn) -> Fault {
    Code::NotFoundException.because(format!("Key '{arn}' does not exist"))
}

/// The refusal of what a key of this kind never does.
pub fn unsupported(arn: &KeyArn, why: &str) -> Fault {
    Code::UnsupportedOperationException.because(format!("{arn} {why}"))
}
