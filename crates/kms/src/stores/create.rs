//! CreateCustomKeyStore.

use serde::{Deserialize, Serialize};

use super::record::{Backing, CloudHsm, Connection, External, StoreRecord, VpcEndpointService};
use super::rules::{self, REGISTER, invalid};
use super::xks::{self, Asker};
use crate::api::error::{Code, Result};
use crate::auth::credentials::Secret;
use crate::service::{Ask, Call};
use crate::xks::protocol::limits;

/// What keeps a store's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own names")]
pub enum StoreType {
    #[default]
    #[serde(rename = "AWS_CLOUDHSM")]
    CloudHsm,
    #[serde(rename = "EXTERNAL_KEY_STORE")]
    ExternalKeyStore,
}

/// How a proxy is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum Connectivity {
    PublicEndpoint,
    VpcEndpointService,
}

/// What KMS signs its requests to a proxy with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct ProxyCredential {
    pub access_key_id: String,
    pub raw_secret_access_key: Secret,
}

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateStoreRequest {
    pub custom_key_store_name: String,
    pub cloud_hsm_cluster_id: Option<String>,
    pub trust_anchor_certificate: Option<String>,
    pub key_store_password: Option<Secret>,
    pub custom_key_store_type: Option<StoreType>,
    pub xks_proxy_uri_endpoint: Option<String>,
    pub xks_proxy_uri_path: Option<String>,
    pub xks_proxy_vpc_endpoint_service_name: Option<String>,
    pub xks_proxy_vpc_endpoint_service_owner: Option<String>,
    pub xks_proxy_authentication_credential: Option<ProxyCredential>,
    pub xks_proxy_connectivity: Option<Connectivity>,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct CreateStoreResponse {
    pub custom_key_store_id: String,
}

/// CreateCustomKeyStore: the cluster or the proxy is looked at first; the store is disconnected.
pub fn create_custom_key_store(call: &Call, request: CreateStoreRequest) -> Result<CreateStoreResponse> {
    call.authorize_without_key(&Ask::to("CreateCustomKeyStore"))?;
    let backing = match request.custom_key_store_type.unwrap_or_default() {
        StoreType::CloudHsm => Backing::CloudHsm(cloud_hsm(call, &request)?),
        StoreType::ExternalKeyStore => Backing::External(external(call, &request)?),
    };
    let stores = &call.service.stores;
    let latch = call.service.book.latch(REGISTER)?;
    let others = call.stores_here()?;
    if let Some(twin) = others.iter().find(|store| is_twin(store, &request.custom_key_store_name, &backing)) {
        return Ok(CreateStoreResponse { custom_key_store_id: twin.id.clone() });
    }
    rules::must_be_unnamed(&others, &request.custom_key_store_name, None)?;
    match &backing {
        Backing::CloudHsm(cluster) => rules::must_be_free(stores, cluster_of(call, &cluster.cluster)?, None)?,
        Backing::External(external) => rules::must_be_unshared(&others, external, None)?,
    }
    if others.len() >= call.service.settings.max_key_stores {
        return Err(Code::LimitExceededException
            .because(format!("There are {} custom key stores; there may be no more.", others.len())));
    }
    let store = StoreRecord {
        format: 1,
        account: call.caller.account.clone(),
        region: call.caller.region.clone(),
        id: new_id(),
        name: request.custom_key_store_name,
        created: call.now,
        connection: Connection::Disconnected,
        backing,
    };
    latch.still_held()?;
    call.service.book.create(&store.label(), &store)?;
    Ok(CreateStoreResponse { custom_key_store_id: store.id })
}

/// A store with all the same properties is this one: a caller who asks twice has one store.
fn is_twin(store: &StoreRecord, name: &str, backing: &Backing) -> bool {
    store.name == name && store.connection == Connection::Disconnected && store.backing == *backing
}

fn cluster_of<'a>(call: &'a Call, id: &str) -> Result<&'a crate::settings::Cluster> {
    let missing =
        || Code::CloudHsmClusterNotFoundException.because(format!("CloudHSM cluster {id} does not exist."));
    call.service.stores.clusters.find(id).ok_or_else(missing)
}

fn cloud_hsm(call: &Call, request: &CreateStoreRequest) -> Result<CloudHsm> {
    let (Some(cluster), Some(trust_anchor), Some(password)) =
        (&request.cloud_hsm_cluster_id, &request.trust_anchor_certificate, &request.key_store_password)
    else {
        return Err(invalid(
            "An AWS_CLOUDHSM key store needs CloudHsmClusterId, TrustAnchorCertificate and KeyStorePassword.",
        ));
    };
    let of_others = request.xks_proxy_uri_endpoint.is_some()
        || request.xks_proxy_uri_path.is_some()
        || request.xks_proxy_vpc_endpoint_service_name.is_some()
        || request.xks_proxy_vpc_endpoint_service_owner.is_some()
        || request.xks_proxy_authentication_credential.is_some()
        || request.xks_proxy_connectivity.is_some();
    if of_others {
        return Err(invalid("The XksProxy parameters are not valid for an AWS_CLOUDHSM key store."));
    }
    let fit = rules::fit_cluster(&call.service.stores, cluster)?;
    rules::must_be_anchor_of(fit, trust_anchor)?;
    Ok(CloudHsm {
        cluster: cluster.clone(),
        trust_anchor: trust_anchor.clone(),
        password: password.clone(),
        pending: None,
    })
}

fn external(call: &Call, request: &CreateStoreRequest) -> Result<External> {
    let (Some(endpoint), Some(path), Some(credential), Some(connectivity)) = (
        &request.xks_proxy_uri_endpoint,
        &request.xks_proxy_uri_path,
        &request.xks_proxy_authentication_credential,
        request.xks_proxy_connectivity,
    ) else {
        let needed =
            "XksProxyConnectivity, XksProxyAuthenticationCredential, XksProxyUriEndpoint and XksProxyUriPath";
        return Err(invalid(format!("An EXTERNAL_KEY_STORE needs {needed}.")));
    };
    if request.cloud_hsm_cluster_id.is_some()
        || request.trust_anchor_certificate.is_some()
        || request.key_store_password.is_some()
    {
        return Err(invalid(
            "CloudHsmClusterId, TrustAnchorCertificate and KeyStorePassword are not valid for an EXTERNAL_KEY_STORE.",
        ));
    }
    let service = (
        request.xks_proxy_vpc_endpoint_service_name.as_deref(),
        request.xks_proxy_vpc_endpoint_service_owner.as_deref(),
    );
    let external = External {
        endpoint: endpoint.clone(),
        path: path.clone(),
        access_key: credential.access_key_id.clone(),
        secret: credential.raw_secret_access_key.clone(),
        vpc: vpc(call, connectivity, service.0, service.1)?,
    };
    must_be_of_this_version(&external.path)?;
    reachable(call, &external, "CreateCustomKeyStore")?;
    Ok(external)
}

/// The VPC endpoint service of that connectivity; its owner is the caller's account unless named.
pub fn vpc(
    call: &Call,
    connectivity: Connectivity,
    name: Option<&str>,
    owner: Option<&str>,
) -> Result<Option<VpcEndpointService>> {
    match (connectivity, name) {
        (Connectivity::PublicEndpoint, None) => Ok(None),
        (Connectivity::PublicEndpoint, Some(_)) => {
            Err(invalid("XksProxyVpcEndpointServiceName is not valid for a PUBLIC_ENDPOINT."))
        }
        (Connectivity::VpcEndpointService, None) => {
            Err(invalid("A VPC_ENDPOINT_SERVICE needs XksProxyVpcEndpointServiceName."))
        }
        (Connectivity::VpcEndpointService, Some(name)) => Ok(Some(VpcEndpointService {
            name: name.to_owned(),
            owner: owner.unwrap_or(&call.caller.account).to_owned(),
        })),
    }
}

/// The API model takes paths of all versions; there is one.
pub fn must_be_of_this_version(path: &str) -> Result<()> {
    if limits::is_uri_path(path) {
        return Ok(());
    }
    Err(Code::XksProxyInvalidConfigurationException.because("XksProxyUriPath must end with /kms/xks/v1."))
}

/// Asks the proxy how it is. One behind a VPC endpoint service is only looked up: it is asked when the store is connected.
pub fn reachable(call: &Call, external: &External, operation: &str) -> Result<()> {
    let proxies = &call.service.stores.proxies;
    let asked = match &external.vpc {
        Some(_) => proxies.line(external).map(|_| ()),
        None => xks::check(proxies, external, &Asker::of(call, operation)),
    };
    asked.map_err(|failure| {
        tracing::warn!(endpoint = %external.endpoint, %failure, "an external key store proxy isn't fit");
        failure.row().store.because(failure.to_string())
    })
}

/// `cks-` and 17 hexadecimal digits.
fn new_id() -> String {
    let digits = hex::encode(crate::keys::create::random::<9>());
    format!("cks-{}", digits.get(..17).unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cks_and_17_hexadecimal_digits() {
        let id = new_id();
        assert!(id.len() == 21 && id[4..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_ne!(id, new_id());
    }
}
