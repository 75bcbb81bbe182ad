//! RotateKeyOnDemand.

use super::turn::{turn, turn_to_imported};
use super::{must_not_be_replica, must_rotate};
use crate::api::error::{Code, Result};
use crate::keys::manage::{KeyRequest, KeyResponse};
use crate::keys::record::{Cause, KeyRecord, Origin};
use crate::keys::state::Need;
use crate::service::{Ask, Call};

/// RotateKeyOnDemand: a key can be rotated so only some times in all. It is done when it is answered.
pub fn rotate_key_on_demand(call: &Call, request: KeyRequest) -> Result<KeyResponse> {
    let key = call.open(&request.key_id, &Ask::to("RotateKeyOnDemand"), Need::Anything)?;
    must_rotate(&key.record)?;
    must_not_be_replica(&key.record)?;
    call.check(Need::Material, &key.record)?;
    let mut held = call.hold(&key.arn, Need::Material)?;
    must_have_turns_left(&held.record, call.service.settings.on_demand_rotations)?;
    match held.record.origin {
        Origin::External => turn_to_imported(&mut held, call.now)?,
        _ => turn(call.service, &mut held, call.now, Cause::OnDemand)?,
    }
    Ok(KeyResponse { key_id: key.arn.to_string() })
}

fn must_have_turns_left(record: &KeyRecord, limit: usize) -> Result<()> {
    let turned = record.materials.iter().filter(|material| material.cause == Cause::OnDemand).count();
    if turned >= limit {
        return Err(Code::LimitExceededException.because(format!(
            "{} has been rotated on demand {limit} times, which is the limit.",
            record.arn()
        )));
    }
    Ok(())
}
