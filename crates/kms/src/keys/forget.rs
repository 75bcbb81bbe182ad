//! What goes with a key: its aliases and its grants.

use super::alias::AliasRecord;
use super::arn::KeyArn;
use super::grants::GrantRecord;
use super::record::KeyRecord;
use crate::book::label;
use crate::hsm::error::Result;
use crate::service::Service;

/// Removes the aliases and the grants of a key that is being deleted. To be called once its record says so, so that no new ones come, and before the
/// record is removed, which names them. May be called again after a crash.
pub fn forget_key_names(service: &Service, arn: &KeyArn) -> Result<()> {
    let book = &service.book;
    if let Some(record) = book.read::<KeyRecord>(&label::key(&arn.account, &arn.region, &arn.id))? {
        for name in &record.value.aliases {
            let label = label::alias(&arn.account, &arn.region, name);
            let latch = book.latch(&label)?;
            // An alias that has been pointed elsewhere stays.
            let alias = book.read::<AliasRecord>(&label)?.filter(|alias| alias.value.target == arn.id);
            if let Some(alias) = alias {
                latch.still_held()?;
                book.remove(&label, alias.object)?;
            }
        }
    }
    let label = label::grants(&arn.account, &arn.region, &arn.id);
    for grant in book.all::<GrantRecord>(&label)? {
        book.remove(&label, grant.object)?;
    }
    Ok(())
}
