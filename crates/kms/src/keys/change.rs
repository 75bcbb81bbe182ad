//! Changing a key's record: read, changed and written under its latch, so that no two changes meet.

use super::arn::KeyArn;
use super::record::KeyRecord;
use super::state::{self, Need, State};
use crate::api::error::{Code, Result};
use crate::book::{Kept, label};
use crate::service::{Call, Key};

impl KeyRecord {
    /// What is latched while the key changes: its own name, or that of its family if other Regions have it too.
    pub fn latch_name(&self) -> String {
        match self.multi_region {
            Some(_) => label::family(&self.account, &self.id),
            None => self.label(),
        }
    }
}

impl Call<'_> {
    /// Changes the record of `key`: `change` sees it as it is now, after the state was checked again, and what it leaves is written. If it fails, nothing is.
    pub fn change<T>(
        &self,
        key: &Key,
        need: Need,
        change: impl FnOnce(&mut KeyRecord) -> Result<T>,
    ) -> Result<T> {
        let latch = self.service.book.latch(&key.record.latch_name())?;
        let Kept { value, object } = self.record(&key.arn)?.ok_or_else(|| missing(&key.arn))?;
        state::check(need, State::of(&value, self.now, self.reachable(&value)), &key.arn.to_string())?;
        let mut record = KeyRecord::clone(&value);
        let result = change(&mut record)?;
        latch.still_held()?;
        self.service.book.replace(&record.label(), object, &record)?;
        Ok(result)
    }
}

/// The refusal of a key that isn't there.
pub fn missing(arn: &KeyArn) -> crate::api::error::Fault {
    Code::NotFoundException.because(format!("Key '{arn}' does not exist"))
}
