//! AWS managed keys: one key a service, account and Region, made when the service first comes for it. What may be done with it is its policy's
//! matter: the service may use it, the account may look at it, nobody may change it.

use super::alias::AliasRecord;
use super::arn::{AliasArn, KeyArn};
use super::create;
use super::record::{KeyRecord, Origin, Rotation};
use super::spec::{Spec, Usage};
use crate::api::error::Result;
use crate::book::{Kept, label};
use crate::clock::DAY;
use crate::policy::service_policy;
use crate::service::Call;
use crate::stores::keys::Place;

/// The services: the name in `alias/aws/<name>`, and the first part of `kms:ViaService` where it is another one.
const SERVICES: &[(&str, Option<&str>)] = &[
    ("acm", None),
    ("backup", None),
    ("codecommit", None),
    ("connect", None),
    ("dms", None),
    ("dynamodb", None),
    ("ebs", Some("ec2")),
    ("elasticfilesystem", None),
    ("es", None),
    ("fsx", None),
    ("glue", None),
    ("kafka", None),
    ("kinesis", None),
    ("kinesisvideo", None),
    ("lambda", None),
    ("lex", None),
    ("lightsail", None),
    ("mq", None),
    ("rds", None),
    ("redshift", None),
    ("s3", None),
    ("secretsmanager", None),
    ("ses", None),
    ("sns", None),
    ("sqs", None),
    ("ssm", None),
    ("workspaces", None),
    ("xray", None),
];

const PREFIX: &str = "alias/aws/";

/// How often the keys are rotated, in days (KMS guide, "Rotating AWS managed keys").
const PERIOD: u32 = 365;

/// The aliases of all services.
pub fn aliases() -> impl Iterator<Item = String> {
    SERVICES.iter().map(|(name, _)| format!("{PREFIX}{name}"))
}

/// How requests of the service behind a predefined alias announce themselves (`kms:ViaService`); none if no service has that alias.
fn via_service(alias: &str, region: &str) -> Option<String> {
    let name = alias.strip_prefix(PREFIX)?;
    let (name, endpoint) = SERVICES.iter().find(|(known, _)| *known == name)?;
    Some(format!("{}.{region}.amazonaws.com", endpoint.unwrap_or(name)))
}

impl Call<'_> {
    /// The key that a predefined alias points to. It is made if it isn't there and the caller comes through the service, or asks for its
    /// description; none if the caller can't have it made.
    pub fn managed_key(&self, alias: &AliasArn) -> Result<Option<KeyArn>> {
        let Some(via_service) = via_service(&alias.name, &alias.region) else { return Ok(None) };
        if let Some(arn) = self.managed_target(alias)?.1 {
            return Ok(Some(arn));
        }
        let comes_for_it =
            self.operation == "DescribeKey" || self.caller.via_service.as_ref() == Some(&via_service);
        if !comes_for_it || alias.account != self.caller.account {
            return Ok(None);
        }
        let label = label::alias(&alias.account, &alias.region, &alias.name);
        let latch = self.service.book.latch(&label)?;
        let (kept, arn) = self.managed_target(alias)?;
        if arn.is_some() {
            return Ok(arn);
        }
        // The alias first: a crash leaves one that points to no key, and whoever comes next begins anew.
        let record = draft(self, alias, &via_service);
        let pointer = AliasRecord {
            name: alias.name.clone(),
            target: record.id.clone(),
            created: self.now,
            updated: self.now,
        };
        latch.still_held()?;
        match kept {
            Some(kept) => self.service.book.replace(&label, kept.object, &pointer)?,
            None => self.service.book.create(&label, &pointer)?,
        };
        let record = create::bring_to_life(self, record, &Place::default_store())?;
        tracing::info!(key = %record.arn(), alias = alias.name, "made an AWS managed key");
        Ok(Some(record.arn()))
    }

    /// The alias's record, and the key it points to if that is there.
    fn managed_target(&self, alias: &AliasArn) -> Result<(Option<Kept<AliasRecord>>, Option<KeyArn>)> {
        let label = label::alias(&alias.account, &alias.region, &alias.name);
        let Some(kept) = self.service.book.read::<AliasRecord>(&label)? else { return Ok((None, None)) };
        let arn = KeyArn {
            region: alias.region.clone(),
            account: alias.account.clone(),
            id: kept.value.target.clone(),
        };
        let there = self.record(&arn)?.is_some();
        Ok((Some(kept), there.then_some(arn)))
    }
}

fn draft(call: &Call, alias: &AliasArn, via_service: &str) -> KeyRecord {
    KeyRecord {
        description: format!(
            "Default key that protects the account's data in {via_service} when no other key is named"
        ),
        managed_by_aws: true,
        policy: service_policy(&alias.account, via_service).into(),
        aliases: vec![alias.name.clone()],
        rotation: Some(Rotation {
            enabled: true,
            period: PERIOD,
            next: call.now.plus(i64::from(PERIOD).saturating_mul(DAY)),
        }),
        ..create::draft(call, false, Spec::symmetric(), Usage::EncryptDecrypt, Origin::Kms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k20_every_predefined_alias_has_its_service() {
        for alias in aliases() {
            assert!(
                via_service(&alias, "eu-west-1").unwrap().ends_with(".eu-west-1.amazonaws.com"),
                "{alias}"
            );
        }
        assert_eq!(via_service("alias/aws/ebs", "us-east-1").unwrap(), "ec2.us-east-1.amazonaws.com");
        assert_eq!(via_service("alias/aws/s3", "us-east-1").unwrap(), "s3.us-east-1.amazonaws.com");
        for other in ["alias/aws/", "alias/aws/nothing", "alias/s3", "s3"] {
            assert_eq!(via_service(other, "us-east-1"), None, "{other}");
        }
    }
}
