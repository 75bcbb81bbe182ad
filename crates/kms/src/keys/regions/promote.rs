//! UpdatePrimaryRegion.

use serde::Deserialize;

use super::{must_be_primary, settling};
use crate::api::error::Result;
use crate::keys::change::{missing, unsupported};
use crate::keys::manage::Done;
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct UpdatePrimaryRegionRequest {
    pub key_id: String,
    pub primary_region: String,
}

/// UpdatePrimaryRegion: a replica becomes the primary, the primary a replica.
pub fn update_primary_region(call: &Call, request: UpdatePrimaryRegionRequest) -> Result<Done> {
    let region = &request.primary_region;
    let ask = Ask::to("UpdatePrimaryRegion").fact("kms:PrimaryRegion", region);
    let key = call.open(&request.key_id, &ask, Need::Anything)?;
    must_be_primary(&key.record)?;
    call.check(Need::Material, &key.record)?;
    if *region == key.arn.region {
        return Err(unsupported(&key.arn, "is the primary key of its Regions already."));
    }
    // The replica's own policy has a say, too, in its own Region.
    let next = key.arn.in_region(region);
    let abroad = call.caller.in_region(region);
    call.of(&abroad).open(&next.to_string(), &ask, Need::Anything)?;
    call.touch(next.clone());
    let mut held = call.hold(&next, Need::Material)?;
    // The latch is the family's: the old primary doesn't change meanwhile either.
    let old = call.record(&key.arn)?.ok_or_else(|| missing(&key.arn))?;
    must_be_primary(&old.value)?;
    call.check(Need::Material, &old.value)?;
    if let Some(multi) = &mut held.record.multi_region {
        multi.primary.clone_from(region);
        multi.settling = settling(false, call.now);
    }
    held.keep()?;
    held.change_relative(&key.arn.region, |record| {
        if let Some(multi) = &mut record.multi_region {
            multi.settling = settling(false, call.now);
        }
    })?;
    Ok(Done {})
}
