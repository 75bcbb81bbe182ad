//! Rotation: a key gets a new material for new work and keeps the old ones for what they have encrypted.

mod list;
mod on_demand;
mod schedule;
mod turn;

pub use list::list_key_rotations;
pub use on_demand::rotate_key_on_demand;
pub use schedule::{disable_key_rotation, enable_key_rotation, get_key_rotation_status};
pub use turn::{following, turn};

use super::change::unsupported;
use super::record::{KeyRecord, Origin};
use crate::api::error::Result;

/// Refuses keys that have one material for ever, as the guide's "Rotating AWS KMS keys" has it.
fn must_rotate(record: &KeyRecord) -> Result<()> {
    let arn = record.arn();
    if !record.spec.is_symmetric() {
        return Err(unsupported(
            &arn,
            &format!("key spec is {} which is not valid for this operation.", record.spec.name),
        ));
    }
    if !record.rotates() {
        return Err(unsupported(
            &arn,
            &format!("origin is {} which is not valid for this operation.", record.origin.name()),
        ));
    }
    Ok(())
}

/// Refuses keys that KMS can't make a new material for.
fn must_rotate_by_itself(record: &KeyRecord) -> Result<()> {
    must_rotate(record)?;
    match record.origin {
        Origin::Kms => Ok(()),
        origin => Err(unsupported(
            &record.arn(),
            &format!("origin is {} which is not valid for this operation.", origin.name()),
        )),
    }
}

/// Refuses replicas: the primary key rotates for all Regions.
fn must_not_be_replica(record: &KeyRecord) -> Result<()> {
    if record.is_replica() {
        return Err(unsupported(
            &record.arn(),
            "is a multi-Region replica key; rotation is changed on its primary key.",
        ));
    }
    Ok(())
}
