//! DescribeCustomKeyStores.

use serde::{Deserialize, Serialize};

use super::code::ErrorCode;
use super::connect;
use super::create::Connectivity;
use super::record::{Connection, External, StoreRecord};
use super::rules::invalid;
use crate::api::error::Result;
use crate::api::page::{Page, Paged};
use crate::clock::{Moment, as_seconds};
use crate::service::{Ask, Call, missing_store};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DescribeStoresRequest {
    pub custom_key_store_id: Option<String>,
    pub custom_key_store_name: Option<String>,
    pub limit: Option<usize>,
    pub marker: Option<String>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct DescribeStoresResponse {
    pub custom_key_stores: Vec<StoreEntry>,
    #[serde(flatten)]
    pub paged: Paged,
}

/// One store of the list.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct StoreEntry {
    pub custom_key_store_id: String,
    pub custom_key_store_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_anchor_certificate: Option<String>,
    pub connection_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_error_code: Option<ErrorCode>,
    #[serde(serialize_with = "as_seconds")]
    pub creation_date: Moment,
    pub custom_key_store_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xks_proxy_configuration: Option<ProxyConfiguration>,
}

/// How a proxy is reached: all but the secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ProxyConfiguration {
    pub connectivity: Connectivity,
    pub access_key_id: String,
    pub uri_endpoint: String,
    pub uri_path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_service_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_service_owner: Option<String>,
}

/// DescribeCustomKeyStores: all of the account and Region in the order of their ids, or the one that is named. Ten a page unless told: as many as
/// there may be.
pub fn describe_custom_key_stores(
    call: &Call,
    request: DescribeStoresRequest,
) -> Result<DescribeStoresResponse> {
    call.authorize_without_key(&Ask::to("DescribeCustomKeyStores"))?;
    let page = Page::of(request.limit, request.marker.as_deref(), 10)?;
    let stores = match (&request.custom_key_store_id, &request.custom_key_store_name) {
        (Some(_), Some(_)) => {
            return Err(invalid("CustomKeyStoreId and CustomKeyStoreName can't both be specified."));
        }
        (Some(id), None) => vec![call.store(id)?.value],
        (None, Some(name)) => {
            let named = call.stores_here()?.into_iter().find(|store| store.name == *name);
            vec![named.ok_or_else(missing_store)?]
        }
        (None, None) => call.stores_here()?,
    };
    let (stores, paged) = page.cut_all(stores, |store| store.id.clone())?;
    for store in &stores {
        connect::take_over(call, store)?;
    }
    Ok(DescribeStoresResponse {
        custom_key_stores: stores.iter().map(|store| StoreEntry::of(store)).collect(),
        paged,
    })
}

impl StoreEntry {
    fn of(store: &StoreRecord) -> Self {
        Self {
            custom_key_store_id: store.id.clone(),
            custom_key_store_name: store.name.clone(),
            cloud_hsm_cluster_id: store.cluster().map(|cluster| cluster.cluster.clone()),
            trust_anchor_certificate: store.cluster().map(|cluster| cluster.trust_anchor.clone()),
            connection_state: store.connection.name(),
            connection_error_code: match store.connection {
                Connection::Failed { code } => Some(code),
                _ => None,
            },
            creation_date: store.created,
            custom_key_store_type: store.backing.name(),
            xks_proxy_configuration: store.external().map(ProxyConfiguration::of),
        }
    }
}

impl ProxyConfiguration {
    fn of(external: &External) -> Self {
        let vpc = external.vpc.as_ref();
        Self {
            connectivity: external.connectivity(),
            access_key_id: external.access_key.clone(),
            uri_endpoint: external.endpoint.clone(),
            uri_path: external.path.clone(),
            vpc_endpoint_service_name: vpc.map(|vpc| vpc.name.clone()),
            vpc_endpoint_service_owner: vpc.map(|vpc| vpc.owner.clone()),
        }
    }
}

impl External {
    /// How it is reached.
    pub fn connectivity(&self) -> Connectivity {
        if self.vpc.is_some() { Connectivity::VpcEndpointService } else { Connectivity::PublicEndpoint }
    }
}
