//! What is remembered of a key: one record in the token. The key itself is in the HSM, found by the object id of its material.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::arn::KeyArn;
use super::policy::KeyPolicy;
use super::spec::{self, Spec, Usage};
use crate::clock::Moment;

/// Where a key's material comes from and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own names")]
pub enum Origin {
    #[serde(rename = "AWS_KMS")]
    Kms,
    #[serde(rename = "EXTERNAL")]
    External,
    #[serde(rename = "AWS_CLOUDHSM")]
    CloudHsm,
    #[serde(rename = "EXTERNAL_KEY_STORE")]
    ExternalKeyStore,
}

impl Origin {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kms => "AWS_KMS",
            Self::External => "EXTERNAL",
            Self::CloudHsm => "AWS_CLOUDHSM",
            Self::ExternalKeyStore => "EXTERNAL_KEY_STORE",
        }
    }
}

/// A key as the token remembers it. All but the material; changed under the latch of its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The format, 1.
    pub format: u8,
    /// What is under way with the key; none when it is complete and alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
    /// The account that owns it.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub created: Moment,
    /// Its owner's words.
    pub description: String,
    /// Its kind.
    #[serde(deserialize_with = "spec::deserialize")]
    pub spec: &'static Spec,
    /// Its use.
    pub usage: Usage,
    /// Where its material is from.
    pub origin: Origin,
    /// Made for an AWS service (`alias/aws/...`), which alone may manage it.
    #[serde(default)]
    pub managed_by_aws: bool,
    /// Enabled or disabled by its owner.
    pub enabled: bool,
    /// When it is to be deleted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
    /// The custom key store it lives in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Its name at the external key manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xks_key: Option<String>,
    /// The key policy, as it was put.
    pub policy: KeyPolicy,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The names of its aliases, and perhaps some that were left behind (see `aliases`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Its place among the Regions, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<MultiRegion>,
    /// Its material, the oldest first.
    pub materials: Vec<Material>,
    /// Objects in the HSM (CKA_ID, hexadecimal) that are being made for the key or are to be destroyed. They aren't the key's material: who holds
    /// its latch and finds one destroys it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loose: Vec<String>,
    /// Automatic rotation, if it is on or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// Its public half (SubjectPublicKeyInfo, DER, hexadecimal), if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Drawn anew with each change of its grants, odd while one is under way: fronts keep them by it. 0 if it never had any.
    #[serde(default)]
    pub grants_revision: u64,
}

/// What is under way with a key: who finds it long after finishes or undoes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draft {
    /// Its material is being made; the call has not answered. Since when.
    Making(Moment),
    /// It is deleted for good; its material is being destroyed.
    Removing(Moment),
}

/// When a key is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The day. None for a primary key that waits for its replicas to go first.
    pub at: Option<Moment>,
    /// The days that were asked for.
    pub window: u32,
}

/// A key's place among the Regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegion {
    /// The Region of the primary key.
    pub primary: String,
    /// All Regions that have it, the primary's among them.
    pub regions: Vec<String>,
    /// Moved with each change of what the Regions share: among records of a family that differ, the highest is right.
    #[serde(default)]
    pub revision: u64,
    /// Until when it shows as `Creating` or `Updating`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
}

/// A short state that replicas and promotions pass through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    /// Being made (`Creating`) rather than promoted (`Updating`).
    pub creating: bool,
    /// When it is over.
    pub until: Moment,
}

/// One material of a key. Its object is a key in the HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    /// `KeyMaterialId`: 64 hexadecimal digits.
    pub id: String,
    /// CKA_ID of the key in the HSM, hexadecimal. None while imported material is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Since when it is (or was) the current one.
    pub since: Moment,
    /// How it became current.
    pub cause: Cause,
    /// What is said of imported material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<Import>,
}

/// How a material became a key's current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The key was made with it.
    First,
    /// Its period was over.
    Automatic,
    /// Its owner asked.
    OnDemand,
    /// Imported, and waits to be made current by RotateKeyOnDemand.
    Pending,
}

/// What is said of imported material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// When it expires; none if it doesn't.
    pub expires: Option<Moment>,
    /// Its importer's words.
    pub description: Option<String>,
}

/// Automatic rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// On or off.
    pub enabled: bool,
    /// Days between rotations.
    pub period: u32,
    /// When the next is due.
    pub next: Moment,
}

impl Material {
    /// Whether it can be used: imported material may be away or have expired.
    pub fn is_here(&self, now: Moment) -> bool {
        let expires = self.import.as_ref().and_then(|import| import.expires);
        self.object.is_some() && expires.is_none_or(|expires| now < expires)
    }
}

impl KeyRecord {
    /// The key's ARN.
    pub fn arn(&self) -> KeyArn {
        KeyArn { region: self.region.clone(), account: self.account.clone(), id: self.id.clone() }
    }

    /// The name of its record.
    pub fn label(&self) -> String {
        crate::book::label::key(&self.account, &self.region, &self.id)
    }

    /// The material that new work is done with: the last that isn't waiting for its rotation.
    pub fn current(&self) -> Option<&Material> {
        self.materials.iter().rev().find(|material| material.cause != Cause::Pending)
    }

    /// Whether callers see it: it isn't being made, nor gone. A key whose day has come is gone, whether or not its material has been
    /// destroyed yet.
    pub fn exists(&self, now: Moment) -> bool {
        let due = self.deletion.as_ref().and_then(|deletion| deletion.at).is_some_and(|at| at <= now);
        self.draft.is_none() && !due
    }

    /// Whether it is the primary of a multi-Region key.
    pub fn is_primary(&self) -> bool {
        self.multi_region.as_ref().is_some_and(|multi| multi.primary == self.region)
    }

    /// Whether it is a replica of a multi-Region key.
    pub fn is_replica(&self) -> bool {
        self.multi_region.is_some() && !self.is_primary()
    }

    /// Whether it can have more than one material: symmetric keys outside custom key stores.
    pub fn rotates(&self) -> bool {
        self.spec.is_symmetric() && matches!(self.origin, Origin::Kms | Origin::External)
    }

    /// When the key first misses material that it has used.
    pub fn expires(&self) -> Option<Moment> {
        let used = self.materials.iter().filter(|material| material.cause != Cause::Pending);
        used.filter_map(|material| material.import.as_ref()?.expires).min()
    }

    /// The material of that id.
    pub fn material(&self, id: &str) -> Option<&Material> {
        self.materials.iter().find(|material| material.id == id)
    }
}
