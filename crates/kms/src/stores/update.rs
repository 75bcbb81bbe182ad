//! UpdateCustomKeyStore.

use serde::Deserialize;

use super::connect::Done;
use super::create::{Connectivity, ProxyCredential, must_be_of_this_version, reachable, vpc};
use super::record::{Backing, CloudHsm, Connection, External, StoreRecord};
use super::rules::{self, REGISTER, invalid, invalid_state};
use crate::api::error::{Code, Result};
use crate::auth::credentials::Secret;
use crate::service::{Ask, Call};

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the API model explains its members")]
pub struct UpdateStoreRequest {
    pub custom_key_store_id: String,
    pub new_custom_key_store_name: Option<String>,
    pub key_store_password: Option<Secret>,
    pub cloud_hsm_cluster_id: Option<String>,
    pub xks_proxy_uri_endpoint: Option<String>,
    pub xks_proxy_uri_path: Option<String>,
    pub xks_proxy_vpc_endpoint_service_name: Option<String>,
    pub xks_proxy_vpc_endpoint_service_owner: Option<String>,
    pub xks_proxy_authentication_credential: Option<ProxyCredential>,
    pub xks_proxy_connectivity: Option<Connectivity>,
}

impl UpdateStoreRequest {
    fn is_for_clusters(&self) -> bool {
        self.key_store_password.is_some() || self.cloud_hsm_cluster_id.is_some()
    }

    /// What of a proxy may change while its store is connected.
    fn is_for_proxies_at_any_time(&self) -> bool {
        self.xks_proxy_authentication_credential.is_some() || self.xks_proxy_uri_path.is_some()
    }

    fn is_for_proxies_at_rest(&self) -> bool {
        self.xks_proxy_uri_endpoint.is_some()
            || self.xks_proxy_vpc_endpoint_service_name.is_some()
            || self.xks_proxy_vpc_endpoint_service_owner.is_some()
            || self.xks_proxy_connectivity.is_some()
    }

    /// Whether the store must be disconnected for it.
    fn needs_rest(&self) -> bool {
        self.is_for_clusters() || self.is_for_proxies_at_rest()
    }
}

/// How often an update begins anew because the store was changed meanwhile.
const TRIES: usize = 4;

/// UpdateCustomKeyStore: all that is asked for, or nothing.
pub fn update_custom_key_store(call: &Call, request: UpdateStoreRequest) -> Result<Done> {
    call.authorize_without_key(&Ask::to("UpdateCustomKeyStore"))?;
    for _ in 0..TRIES {
        if update(call, &request)? {
            return Ok(Done {});
        }
    }
    Err(Code::KMSInternalException
        .because("The custom key store is being changed by others. The request can be retried."))
}

/// Nothing is done, and false, if what the store is made of has changed between looking and writing: an attempt to connect may just have given
/// kmsuser another password.
fn update(call: &Call, request: &UpdateStoreRequest) -> Result<bool> {
    let store = call.store(&request.custom_key_store_id)?.value;
    must_be_at_rest(&store, request)?;
    let backing = changed(call, &store, request)?;
    let latch = call.service.book.latch(REGISTER)?;
    must_be_unique(call, &store, request, backing.as_ref())?;
    latch.still_held()?;
    call.service.stores.change(&store.label(), |record| {
        if record.backing != store.backing {
            return Ok(false);
        }
        must_be_at_rest(record, request)?;
        if let Some(name) = &request.new_custom_key_store_name {
            record.name = name.clone();
        }
        if let Some(backing) = backing {
            record.backing = backing;
        }
        Ok(true)
    })
}

/// What no two stores share.
fn must_be_unique(
    call: &Call,
    store: &StoreRecord,
    request: &UpdateStoreRequest,
    backing: Option<&Backing>,
) -> Result<()> {
    let (others, but) = (call.stores_here()?, Some(store.id.as_str()));
    if let Some(name) = &request.new_custom_key_store_name {
        rules::must_be_unnamed(&others, name, but)?;
    }
    let stores = &call.service.stores;
    match backing {
        Some(Backing::External(external)) => rules::must_be_unshared(&others, external, but),
        Some(Backing::CloudHsm(new)) if request.cloud_hsm_cluster_id.is_some() => stores
            .clusters
            .find(&new.cluster)
            .map_or(Ok(()), |cluster| rules::must_be_free(stores, cluster, but)),
        _ => Ok(()),
    }
}

/// What may be changed in the store's state.
fn must_be_at_rest(store: &StoreRecord, request: &UpdateStoreRequest) -> Result<()> {
    match store.connection {
        Connection::Disconnected => Ok(()),
        Connection::Connected { .. } if !request.needs_rest() => Ok(()),
        _ => Err(invalid_state(store, "disconnect it before you change this.")),
    }
}

/// What the store would be made of; none if that doesn't change.
fn changed(call: &Call, store: &StoreRecord, request: &UpdateStoreRequest) -> Result<Option<Backing>> {
    let (for_clusters, for_proxies) =
        (request.is_for_clusters(), request.is_for_proxies_at_any_time() || request.is_for_proxies_at_rest());
    match &store.backing {
        Backing::CloudHsm(_) if for_proxies => {
            Err(invalid("The XksProxy parameters are not valid for an AWS_CLOUDHSM key store."))
        }
        Backing::External(_) if for_clusters => {
            Err(invalid("CloudHsmClusterId and KeyStorePassword are not valid for an EXTERNAL_KEY_STORE."))
        }
        Backing::CloudHsm(cluster) if for_clusters => {
            cloud_hsm(call, cluster, request).map(Backing::CloudHsm).map(Some)
        }
        Backing::External(external) if for_proxies => {
            proxy(call, external, request).map(Backing::External).map(Some)
        }
        _ if request.new_custom_key_store_name.is_some() => Ok(None),
        _ => Err(invalid("UpdateCustomKeyStore needs at least one property to change.")),
    }
}

fn cloud_hsm(call: &Call, store: &CloudHsm, request: &UpdateStoreRequest) -> Result<CloudHsm> {
    let mut new = store.clone();
    let id = request.cloud_hsm_cluster_id.as_ref().unwrap_or(&store.cluster);
    let cluster = rules::fit_cluster(&call.service.stores, id)?;
    rules::must_be_related(cluster, store)?;
    new.cluster.clone_from(id);
    if let Some(password) = &request.key_store_password {
        new.password = password.clone();
    }
    Ok(new)
}

fn proxy(call: &Call, store: &External, request: &UpdateStoreRequest) -> Result<External> {
    let mut new = store.clone();
    if let Some(endpoint) = &request.xks_proxy_uri_endpoint {
        new.endpoint.clone_from(endpoint);
    }
    if let Some(path) = &request.xks_proxy_uri_path {
        must_be_of_this_version(path)?;
        new.path.clone_from(path);
    }
    if let Some(credential) = &request.xks_proxy_authentication_credential {
        new.access_key.clone_from(&credential.access_key_id);
        new.secret = credential.raw_secret_access_key.clone();
    }
    let connectivity = request.xks_proxy_connectivity.unwrap_or_else(|| store.connectivity());
    let before = store.vpc.as_ref().filter(|_| connectivity == Connectivity::VpcEndpointService);
    let name = request.xks_proxy_vpc_endpoint_service_name.as_deref().or(before.map(|vpc| vpc.name.as_str()));
    let owner =
        request.xks_proxy_vpc_endpoint_service_owner.as_deref().or(before.map(|vpc| vpc.owner.as_str()));
    new.vpc = vpc(call, connectivity, name, owner)?;
    if connectivity != store.connectivity() && request.xks_proxy_uri_endpoint.is_none() {
        return Err(Code::XksProxyInvalidConfigurationException
            .because("Another XksProxyConnectivity needs another XksProxyUriEndpoint."));
    }
    reachable(call, &new, "UpdateCustomKeyStore")?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use serde_json::{Value, json};

    fn request(member: &str) -> UpdateStoreRequest {
        let value: Value = match member {
            "XksProxyAuthenticationCredential" => json!({"AccessKeyId": "A", "RawSecretAccessKey": "s"}),
            "XksProxyConnectivity" => json!("PUBLIC_ENDPOINT"),
            _ => json!("x"),
        };
        serde_json::from_value(json!({"CustomKeyStoreId": "cks-1", member: value})).expect("a request")
    }

    #[test]
    fn k61_what_changes_while_connected_is_the_name_and_of_a_proxy_its_path_and_credential() {
        let store = |connection| StoreRecord {
            format: 1,
            account: String::new(),
            region: String::new(),
            id: "cks-1".to_owned(),
            name: String::new(),
            created: Moment(0),
            connection,
            backing: Backing::CloudHsm(CloudHsm {
                cluster: String::new(),
                trust_anchor: String::new(),
                password: Secret::new(String::new()),
                pending: None,
            }),
        };
        let connected = store(Connection::Connected { attempt: String::new() });
        for (member, allowed) in [
            ("NewCustomKeyStoreName", true),
            ("XksProxyAuthenticationCredential", true),
            ("XksProxyUriPath", true),
            ("KeyStorePassword", false),
            ("CloudHsmClusterId", false),
            ("XksProxyUriEndpoint", false),
            ("XksProxyConnectivity", false),
            ("XksProxyVpcEndpointServiceName", false),
            ("XksProxyVpcEndpointServiceOwner", false),
        ] {
            let request = request(member);
            assert_eq!(must_be_at_rest(&connected, &request).is_ok(), allowed, "{member}");
            assert!(must_be_at_rest(&store(Connection::Disconnected), &request).is_ok());
            let failed = store(Connection::Failed { code: super::super::code::ErrorCode::InternalError });
            let refused = must_be_at_rest(&failed, &request).expect_err("a refusal");
            assert_eq!(refused.code, Code::CustomKeyStoreInvalidStateException);
        }
    }
}
