//! One key: whatever is due with it.

use serde_json::json;

use super::diary;
use super::remove::remove;
use super::{Pass, Report, Service};
use crate::api::error::{Fault, Result};
use crate::clock::Moment;
use crate::keys::arn::KeyArn;
use crate::keys::hold::Held;
use crate::keys::import::expire;
use crate::keys::record::{Cause, Draft};
use crate::keys::rotation::{following, turn};

impl Service {
    /// Does what is due with the key, under its latch.
    pub(super) fn tend(&self, arn: &KeyArn, pass: Pass, report: &mut Report) -> Result<()> {
        self.may_act()?;
        let now = pass.now;
        let Some(mut held) = self.hold(arn)? else {
            self.house.diary.lock().strike(arn);
            self.house.drafts.lock().forget(arn);
            return Ok(());
        };
        if !matches!(held.record.draft, Some(Draft::Making(_))) {
            self.house.drafts.lock().forget(arn);
        }
        match held.record.draft {
            Some(Draft::Making(_)) if self.house.drafts.lock().is_abandoned(&held.record, &self.clock) => {
                self.house.drafts.lock().forget(arn);
                report.undone += 1;
                return Ok(remove(self, held, now)?);
            }
            Some(Draft::Making(_)) => {}
            Some(Draft::Removing(_)) => {
                report.deleted += 1;
                return self.delete(held, now);
            }
            None if !held.record.exists(now) && !pass.may_destroy => report.delayed += 1,
            None if !held.record.exists(now) => {
                tracing::info!(key = %arn, "a key is deleted");
                report.deleted += 1;
                return self.delete(held, now);
            }
            None => self.mend(&mut held, pass, report)?,
        }
        self.house.note(&held.record, now);
        Ok(())
    }

    fn delete(&self, held: Held, now: Moment) -> Result<()> {
        let arn = held.record.arn();
        let outcome = remove(self, held, now).map_err(Fault::from);
        self.tell("DeleteKey", &arn, &json!({ "keyId": arn.to_string() }), outcome.as_ref().err());
        outcome
    }

    fn mend(&self, held: &mut Held, pass: Pass, report: &mut Report) -> Result<()> {
        let now = pass.now;
        held.destroy_loose()?;
        report.healed += usize::from(held.heal()?);
        let arn = held.record.arn();
        if pass.may_destroy {
            report.expired += expire(held, now, |material, failed| {
                let details = json!({ "keyId": arn.to_string(), "keyMaterialId": material });
                let failed = failed.cloned().map(Fault::from);
                self.tell("DeleteExpiredKeyMaterial", &arn, &details, failed.as_ref());
            })?;
        } else if diary::expiry(&held.record).is_some_and(|at| at <= now) {
            report.delayed += 1;
        }
        if diary::rotation(&held.record).is_some_and(|next| next <= now) {
            self.rotate(held, now)?;
            report.rotated += 1;
        }
        Ok(())
    }

    fn rotate(&self, held: &mut Held, now: Moment) -> Result<()> {
        let arn = held.record.arn();
        // The schedule goes on in the same step that makes the new material the current one.
        held.record.rotation = held.record.rotation.as_ref().map(|rotation| following(rotation, now));
        let outcome = turn(self, held, now, Cause::Automatic);
        let current = held.record.current().map(|material| &material.id);
        let details =
            json!({ "keyId": arn.to_string(), "rotationType": "AUTOMATIC", "currentKeyMaterialId": current });
        self.tell("RotateKey", &arn, &details, outcome.as_ref().err());
        outcome.inspect(|()| tracing::info!(key = %arn, "a key was rotated on schedule"))
    }
}
