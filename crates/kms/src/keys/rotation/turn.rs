//! One turn: a new material is made in the HSM and becomes the current one.

use crate::api::error::{Code, Result};
use crate::clock::{DAY, Moment};
use crate::crypto::material;
use crate::hsm::Trouble;
use crate::keys::change::unsupported;
use crate::keys::create::new_material;
use crate::keys::hold::Held;
use crate::keys::record::{Cause, Material, Rotation};
use crate::service::Service;

/// Gives the key of `held` a new material. The HSM makes it after the record has noted it, and it becomes current when it is there.
pub fn turn(service: &Service, held: &mut Held, now: Moment, cause: Cause) -> Result<()> {
    let object = held.announce()?;
    if let Err(trouble) = generate(service, held, &object) {
        held.undo();
        return Err(trouble.into());
    }
    held.take_up(&object);
    held.record.materials.push(Material { object: Some(object), ..new_material(now, cause)? });
    Ok(held.keep()?)
}

fn generate(service: &Service, held: &Held, object: &str) -> std::result::Result<(), Trouble> {
    let record = &held.record;
    let token = service
        .token_of(record)?
        .ok_or_else(|| Trouble::Unreachable("the key's store isn't connected".to_owned()))?;
    let id = hex::decode(object).map_err(|_| Trouble::Other("no object id".to_owned()))?;
    material::make(&token, record.spec, record.usage, &id, &record.arn().to_string()).map(|_| ())
}

/// Makes imported material that waits for its rotation the current one: it must be here, and in every other Region of the key.
pub fn turn_to_imported(held: &mut Held, now: Moment) -> Result<()> {
    let arn = held.record.arn();
    let waiting = |material: &&Material| material.cause == Cause::Pending;
    let Some(id) = held.record.materials.iter().find(waiting).map(|material| material.id.clone()) else {
        return Err(Code::KMSInvalidStateException
            .because(format!("{arn} has no imported key material that is pending rotation.")));
    };
    let here = |record: &crate::keys::record::KeyRecord| {
        record.material(&id).is_some_and(|material| material.object.is_some())
    };
    if !here(&held.record) || !held.relatives()?.iter().all(here) {
        return Err(Code::KMSInvalidStateException
            .because(format!("{arn} has key material that is not yet imported into all its Regions.")));
    }
    let Some(material) = held.record.materials.iter_mut().find(|material| material.id == id) else {
        return Err(unsupported(&arn, "has no such key material."));
    };
    material.cause = Cause::OnDemand;
    material.since = now;
    Ok(held.keep()?)
}

/// The schedule after a rotation at `now`: the next is a period after the one that was due, or after now if that has passed, too.
pub fn following(rotation: &Rotation, now: Moment) -> Rotation {
    let period = i64::from(rotation.period).saturating_mul(DAY);
    let next = rotation.next.plus(period);
    Rotation { next: if next <= now { now.plus(period) } else { next }, ..rotation.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k43_a_late_rotation_is_made_up_for_once() {
        let rotation = Rotation { enabled: true, period: 90, next: Moment(0).plus(90 * DAY) };
        let days = |days: i64| Moment(0).plus(days * DAY);
        assert_eq!(following(&rotation, days(90)).next, days(180));
        assert_eq!(following(&rotation, days(179)).next, days(180));
        assert_eq!(following(&rotation, days(180)).next, days(270));
        assert_eq!(following(&rotation, days(1000)).next, days(1090));
    }
}
