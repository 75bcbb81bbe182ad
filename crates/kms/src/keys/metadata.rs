//! `KeyMetadata`: what the API tells about a key.

use serde::Serialize;

use super::arn::KeyArn;
use super::record::{KeyRecord, Origin};
use super::spec::Usage;
use super::state::State;
use crate::clock::{Moment, as_seconds, as_seconds_if_any};

/// The answer's member `KeyMetadata`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    pub account: String,
    pub key_id: String,
    pub arn: String,
    #[serde(serialize_with = "as_seconds")]
    pub creation_date: Moment,
    pub enabled: bool,
    pub description: String,
    pub key_usage: Usage,
    pub key_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub deletion_date: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_seconds_if_any")]
    pub valid_to: Option<Moment>,
    pub origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_key_store_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<&'static str>,
    pub key_manager: &'static str,
    pub customer_master_key_spec: &'static str,
    pub key_spec: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encryption_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub signing_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub key_agreement_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub encapsulation_algorithms: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub mac_algorithms: &'static [&'static str],
    pub multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region_configuration: Option<MultiRegionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_deletion_window_in_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xks_key_configuration: Option<XksKeyConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_key_material_id: Option<String>,
}

/// A multi-Region key's relatives.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct MultiRegionConfiguration {
    pub multi_region_key_type: &'static str,
    pub primary_key: MultiRegionKey,
    pub replica_keys: Vec<MultiRegionKey>,
}

/// One of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct MultiRegionKey {
    pub arn: String,
    pub region: String,
}

/// The key's name at its external key manager.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct XksKeyConfiguration {
    pub id: String,
}

impl KeyMetadata {
    /// What is told of `key` in `state`. `cluster`: the cluster behind its custom key store.
    pub fn of(key: &KeyRecord, state: State, cluster: Option<String>) -> Self {
        let algorithms = |usage| if key.usage == usage { key.spec.algorithms(usage) } else { &[] };
        let imported =
            key.origin == Origin::External && state != State::PendingImport && key.current().is_some();
        let expires = key.expires().filter(|_| imported);
        Self {
            account: key.account.clone(),
            key_id: key.id.clone(),
            arn: key.arn().to_string(),
            creation_date: key.created,
            enabled: state == State::Enabled,
            description: key.description.clone(),
            key_usage: key.usage,
            key_state: state.name(),
            deletion_date: key.deletion.as_ref().and_then(|deletion| deletion.at),
            valid_to: expires,
            origin: key.origin,
            custom_key_store_id: key.store.clone(),
            cloud_hsm_cluster_id: cluster,
            expiration_model: imported.then_some(expiration_model(expires)),
            key_manager: if key.managed_by_aws { "AWS" } else { "CUSTOMER" },
            customer_master_key_spec: key.spec.name,
            key_spec: key.spec.name,
            encryption_algorithms: algorithms(Usage::EncryptDecrypt),
            signing_algorithms: algorithms(Usage::SignVerify),
            key_agreement_algorithms: algorithms(Usage::KeyAgreement),
            encapsulation_algorithms: algorithms(Usage::EncapsulateDecapsulate),
            mac_algorithms: algorithms(Usage::GenerateVerifyMac),
            multi_region: key.multi_region.is_some(),
            multi_region_configuration: MultiRegionConfiguration::of(key),
            pending_deletion_window_in_days: key
                .deletion
                .as_ref()
                .filter(|deletion| deletion.at.is_none())
                .map(|deletion| deletion.window),
            xks_key_configuration: key.xks_key.clone().map(|id| XksKeyConfiguration { id }),
            current_key_material_id: key
                .current()
                .filter(|_| key.rotates())
                .map(|material| material.id.clone()),
        }
    }
}

/// What the API calls it that material expires, or doesn't.
pub const fn expiration_model(expires: Option<Moment>) -> &'static str {
    if expires.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" }
}

impl MultiRegionConfiguration {
    fn of(key: &KeyRecord) -> Option<Self> {
        let multi = key.multi_region.as_ref()?;
        let in_region = |region: &String| MultiRegionKey {
            arn: KeyArn { region: region.clone(), account: key.account.clone(), id: key.id.clone() }
                .to_string(),
            region: region.clone(),
        };
        Some(Self {
            multi_region_key_type: if multi.primary == key.region { "PRIMARY" } else { "REPLICA" },
            primary_key: in_region(&multi.primary),
            replica_keys: multi
                .regions
                .iter()
                .filter(|region| **region != multi.primary)
                .map(in_region)
                .collect(),
        })
    }
}
