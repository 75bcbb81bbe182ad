//! Multi-Region keys: one key in several Regions, all served by this process.

mod family;
mod promote;
mod replicate;

pub use promote::update_primary_region;
pub use replicate::replicate_key;

use super::change::unsupported;
use super::record::{KeyRecord, MultiRegion, Settling};
use crate::api::error::Result;
use crate::clock::Moment;

/// How long a replica shows as `Creating` and a promotion as `Updating`, in milliseconds.
const SETTLES: i64 = 500;

/// The state that passes.
fn settling(creating: bool, now: Moment) -> Option<Settling> {
    Some(Settling { creating, until: now.plus(SETTLES) })
}

/// A multi-Region key's place when it is made: primary, and alone.
pub fn alone_in(region: &str) -> MultiRegion {
    MultiRegion { primary: region.to_owned(), regions: vec![region.to_owned()], revision: 0, settling: None }
}

/// Refuses keys that aren't the primary of a multi-Region key.
fn must_be_primary(record: &KeyRecord) -> Result<&MultiRegion> {
    let primary = record.multi_region.as_ref().filter(|_| record.is_primary());
    primary.ok_or_else(|| unsupported(&record.arn(), "is not a multi-Region primary key."))
}
