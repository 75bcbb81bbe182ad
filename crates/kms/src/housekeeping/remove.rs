//! Deleting a key for good: first the record says so, then the material is destroyed in its HSM, then goes what points to the key, last the record.
//! Cut short anywhere, it is gone for callers, and the next pass goes on.

use super::Service;
use crate::book::label;
use crate::clock::Moment;
use crate::hsm::error::Result;
use crate::keys::arn::KeyArn;
use crate::keys::deletion::deletion_date;
use crate::keys::forget::forget_key_names;
use crate::keys::hold::Held;
use crate::keys::record::{Draft, Origin};
use crate::stores::members;

/// Deletes the key, or what there is of it.
pub fn remove(service: &Service, mut held: Held, now: Moment) -> Result<()> {
    if !matches!(held.record.draft, Some(Draft::Removing(_))) {
        held.record.draft = Some(Draft::Removing(now));
        held.keep()?;
    }
    destroy_material(&mut held)?;
    leave_family(&held, now)?;
    let (arn, record) = (held.record.arn(), held.record.clone());
    // Who changes an alias takes the alias's latch first, then the key's. Nobody but housekeeping changes a record that says it is removed.
    drop(held);
    forget_key_names(service, &arn)?;
    forget_use(service, &arn)?;
    if let Some(held) = service.hold(&arn)? {
        held.remove()?;
    }
    members::release(service, &record)?;
    service.house.diary.lock().strike(&arn);
    Ok(())
}

/// Destroys the key's material, unless it is shared with other Regions' keys.
fn destroy_material(held: &mut Held) -> Result<()> {
    let shared = held.record.origin != Origin::External && !held.relatives()?.is_empty();
    if !shared {
        let objects = held.record.materials.iter_mut().filter_map(|material| material.object.take());
        held.record.loose.extend(objects);
    }
    held.destroy_loose()
}

/// The other Regions have one relative less. With the last replica gone, the waiting period of a primary key that was to be deleted begins.
fn leave_family(held: &Held, now: Moment) -> Result<()> {
    let own = &held.record.region;
    for relative in held.relatives()? {
        held.change_relative(&relative.region, |relative| {
            let primary = relative.is_primary();
            let Some(multi) = &mut relative.multi_region else { return };
            if !multi.regions.contains(own) {
                return;
            }
            multi.regions.retain(|region| region != own);
            multi.revision = multi.revision.saturating_add(1);
            if let Some(deletion) = relative
                .deletion
                .as_mut()
                .filter(|deletion| primary && deletion.at.is_none() && multi.regions.len() == 1)
            {
                deletion.at = Some(deletion_date(now, deletion.window));
            }
        })?;
    }
    Ok(())
}

/// The note of its last use.
fn forget_use(service: &Service, arn: &KeyArn) -> Result<()> {
    let name = label::last_use(&arn.account, &arn.region, &arn.id);
    for note in service.book.all::<serde_json::Value>(&name)? {
        service.book.remove(&name, note.object)?;
    }
    Ok(())
}
