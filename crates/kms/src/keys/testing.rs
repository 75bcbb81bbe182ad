//! Records for tests.

use super::record::{Cause, KeyRecord, Material, Origin};
use super::spec::{Spec, Usage};
use crate::clock::Moment;

/// A symmetric key in us-east-1 with one material, both named after `name`.
pub fn record(name: &str) -> KeyRecord {
    KeyRecord {
        format: 1,
        draft: None,
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        id: name.to_owned(),
        created: Moment(0),
        description: String::new(),
        spec: Spec::named("SYMMETRIC_DEFAULT").expect("a row"),
        usage: Usage::EncryptDecrypt,
        origin: Origin::Kms,
        managed_by_aws: false,
        enabled: true,
        deletion: None,
        store: None,
        xks_key: None,
        policy: String::new().into(),
        aliases: Vec::new(),
        tags: Default::default(),
        multi_region: None,
        materials: vec![material(name, Cause::First)],
        loose: Vec::new(),
        rotation: None,
        public_key: None,
        grants_revision: 0,
    }
}

/// A material that is in the HSM.
pub fn material(name: &str, cause: Cause) -> Material {
    Material {
        id: name.to_owned(),
        object: Some(format!("object of {name}")),
        since: Moment(0),
        cause,
        import: None,
    }
}
