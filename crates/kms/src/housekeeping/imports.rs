//! Import parameters that nobody used in time.

use super::Service;
use crate::book::label;
use crate::clock::Moment;
use crate::hsm::error::Result;
use crate::keys::import::ImportRecord;

/// How many are looked at in a pass. They last a day, and few imports wait at a time.
const AT_ONCE: usize = 1_000;

impl Service {
    /// Destroys the wrapping keys whose parameters have expired. How many.
    pub(super) fn clear_imports(&self, now: Moment) -> Result<usize> {
        let mut cleared = 0;
        for name in self.book.names(label::IMPORTS, None, AT_ONCE)? {
            let expired =
                self.book.read::<ImportRecord>(&name)?.is_some_and(|kept| kept.value.expires <= now);
            if expired && let Some(id) = name.strip_prefix(label::IMPORTS) {
                self.clear_import(id)?;
                cleared += 1;
            }
        }
        Ok(cleared)
    }
}
