//! What must be so for a store to be made or changed.

use std::sync::Arc;

use super::cluster::{certificate, holds_certificate, is_certificate};
use super::record::{External, StoreRecord};
use crate::api::error::{Code, Fault, Result};
use crate::book::{Kept, label};
use crate::hsm::Trouble;
use crate::service::{Call, Stores, missing_store};
use crate::settings::Cluster;

/// Latched while stores are made, renamed or moved: what must be unique among them is.
pub const REGISTER: &str = "kms/store/";

/// How many active HSMs a cluster must have to be given new keys to keep: one more than it needs to serve.
pub const ACTIVE: usize = 2;

impl Call<'_> {
    /// The custom key store of that id in the caller's account and Region.
    ///
    /// # Errors
    ///
    /// `CustomKeyStoreNotFoundException`.
    pub fn store(&self, id: &str) -> Result<Kept<StoreRecord>> {
        self.service.stores.find(&self.caller.account, &self.caller.region, id)?.ok_or_else(missing_store)
    }

    /// All custom key stores of the caller's account and Region, in the order of their ids.
    pub fn stores_here(&self) -> Result<Vec<Arc<StoreRecord>>> {
        Ok(self.service.stores.all(&label::stores_of(&self.caller.account, &self.caller.region))?)
    }
}

/// The refusal of what the store's state doesn't allow.
pub fn invalid_state(store: &StoreRecord, what: &str) -> Fault {
    Code::CustomKeyStoreInvalidStateException.because(format!(
        "Custom key store {} is {}: {what}",
        store.id,
        store.connection.name()
    ))
}

/// The refusal of a member that doesn't go with the others.
pub fn invalid(text: impl Into<String>) -> Fault {
    Code::ValidationException.because(text)
}

/// The cluster of that id, fit to keep new keys.
///
/// # Errors
///
/// `CloudHsmClusterNotFoundException`, `CloudHsmClusterNotActiveException`, `CloudHsmClusterInvalidConfigurationException`.
pub fn fit_cluster<'a>(stores: &'a Stores, id: &str) -> Result<&'a Cluster> {
    let not_found =
        || Code::CloudHsmClusterNotFoundException.because(format!("CloudHSM cluster {id} does not exist."));
    let cluster = stores.clusters.find(id).ok_or_else(not_found)?;
    match stores.clusters.active(cluster) {
        Ok(active) if active >= ACTIVE => Ok(cluster),
        Ok(0) | Err(Trouble::Unreachable(_) | Trouble::NoToken(_)) => {
            Err(Code::CloudHsmClusterNotActiveException
                .because(format!("CloudHSM cluster {id} is not active.")))
        }
        Ok(active) => Err(too_few(id, active)),
        Err(trouble) => Err(trouble.into()),
    }
}

/// The refusal of a cluster with too few active HSMs.
pub fn too_few(id: &str, active: usize) -> Fault {
    Code::CloudHsmClusterInvalidConfigurationException
        .because(format!("CloudHSM cluster {id} has {active} active HSMs; it must have at least {ACTIVE}, in different Availability Zones."))
}

/// Whether `pem` is the trust anchor of that cluster. A cluster whose settings name no certificate takes any.
///
/// # Errors
///
/// `IncorrectTrustAnchorException`.
pub fn must_be_anchor_of(cluster: &Cluster, pem: &str) -> Result<()> {
    let right = match certificate(cluster)? {
        Some(certificate) => is_certificate(pem, &certificate),
        None => holds_certificate(pem),
    };
    if right {
        return Ok(());
    }
    Err(Code::IncorrectTrustAnchorException
        .because(format!("The certificate is not the trust anchor of CloudHSM cluster {}.", cluster.id)))
}

/// Whether a store may move to that cluster: its own, or one that shares its backups, which shows in the same certificate.
///
/// # Errors
///
/// `CloudHsmClusterNotRelatedException`.
pub fn must_be_related(cluster: &Cluster, store: &super::record::CloudHsm) -> Result<()> {
    let same = match certificate(cluster)? {
        _ if cluster.id == store.cluster => true,
        Some(certificate) => is_certificate(&store.trust_anchor, &certificate),
        None => false,
    };
    if same {
        return Ok(());
    }
    Err(Code::CloudHsmClusterNotRelatedException.because(format!(
        "CloudHSM cluster {} has another cluster certificate than {}.",
        cluster.id, store.cluster
    )))
}

/// Whether no other store, of any account and Region, is on that cluster or on one with the same certificate. `but`: the store that asks.
///
/// # Errors
///
/// `CloudHsmClusterInUseException`.
pub fn must_be_free(stores: &Stores, cluster: &Cluster, but: Option<&str>) -> Result<()> {
    let mine = certificate(cluster)?;
    for store in stores.all(REGISTER)?.into_iter().filter(|store| Some(store.id.as_str()) != but) {
        let Some(theirs) = store.cluster() else { continue };
        let shared = match (&mine, stores.clusters.find(&theirs.cluster).map(certificate)) {
            (Some(mine), Some(Ok(Some(_)))) => is_certificate(&theirs.trust_anchor, mine),
            _ => false,
        };
        if theirs.cluster == cluster.id || shared {
            let why = "is already associated with a custom key store, or shares a backup history with one";
            return Err(Code::CloudHsmClusterInUseException
                .because(format!("CloudHSM cluster {} {why}.", cluster.id)));
        }
    }
    Ok(())
}

/// Whether no other store of the account and Region has that name.
///
/// # Errors
///
/// `CustomKeyStoreNameInUseException`.
pub fn must_be_unnamed(others: &[Arc<StoreRecord>], name: &str, but: Option<&str>) -> Result<()> {
    if others.iter().any(|store| store.name == name && Some(store.id.as_str()) != but) {
        return Err(Code::CustomKeyStoreNameInUseException
            .because(format!("Custom key store name {name} is already in use.")));
    }
    Ok(())
}

/// Whether no other store of the account and Region has that proxy's address, or its VPC endpoint service.
///
/// # Errors
///
/// `XksProxyUriInUseException`, `XksProxyUriEndpointInUseException`, `XksProxyVpcEndpointServiceInUseException`.
pub fn must_be_unshared(others: &[Arc<StoreRecord>], mine: &External, but: Option<&str>) -> Result<()> {
    for store in others.iter().filter(|store| Some(store.id.as_str()) != but) {
        let Some(theirs) = store.external() else { continue };
        let refused = if mine.endpoint == theirs.endpoint && mine.path == theirs.path {
            Code::XksProxyUriInUseException.because(format!(
                "{}{} is already in use by custom key store {}.",
                mine.endpoint, mine.path, store.id
            ))
        } else if mine.vpc.is_some()
            && mine.vpc.as_ref().map(|vpc| &vpc.name) == theirs.vpc.as_ref().map(|vpc| &vpc.name)
        {
            Code::XksProxyVpcEndpointServiceInUseException.because(format!(
                "The VPC endpoint service is already in use by custom key store {}.",
                store.id
            ))
        } else if mine.endpoint == theirs.endpoint && (mine.vpc.is_some() || theirs.vpc.is_some()) {
            // A private DNS name is one store's; only public endpoints are shared, by different paths.
            Code::XksProxyUriEndpointInUseException
                .because(format!("{} is already in use by custom key store {}.", mine.endpoint, store.id))
        } else {
            continue;
        };
        return Err(refused);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::record::{Backing, Connection, VpcEndpointService};
    use super::*;
    use crate::auth::credentials::Secret;
    use crate::clock::Moment;

    fn external(endpoint: &str, path: &str, vpc: Option<&str>) -> External {
        External {
            endpoint: format!("https://{endpoint}.example.com"),
            path: format!("{path}/kms/xks/v1"),
            access_key: "A".repeat(20),
            secret: Secret::new("s".repeat(43)),
            vpc: vpc
                .map(|name| VpcEndpointService { name: name.to_owned(), owner: "111122223333".to_owned() }),
        }
    }

    #[test]
    fn k76_no_two_stores_share_a_proxy_address_or_a_vpc_endpoint_service() {
        let of = |id: &str, external| {
            Arc::new(StoreRecord {
                format: 1,
                account: "111122223333".to_owned(),
                region: "us-east-1".to_owned(),
                id: id.to_owned(),
                name: id.to_owned(),
                created: Moment(0),
                connection: Connection::Disconnected,
                backing: Backing::External(external),
            })
        };
        let others = [
            of("cks-1", external("public", "/a", None)),
            of("cks-2", external("private", "/a", Some("service"))),
        ];
        for (endpoint, path, vpc, refused) in [
            ("public", "/b", None, None),
            ("public", "/a", None, Some(Code::XksProxyUriInUseException)),
            ("private", "/a", None, Some(Code::XksProxyUriInUseException)),
            ("private", "/b", None, Some(Code::XksProxyUriEndpointInUseException)),
            ("private", "/b", Some("another"), Some(Code::XksProxyUriEndpointInUseException)),
            ("public", "/b", Some("another"), Some(Code::XksProxyUriEndpointInUseException)),
            ("third", "/a", Some("service"), Some(Code::XksProxyVpcEndpointServiceInUseException)),
            ("third", "/a", Some("another"), None),
        ] {
            let code =
                must_be_unshared(&others, &external(endpoint, path, vpc), None).err().map(|fault| fault.code);
            assert_eq!(code, refused, "{endpoint} {path} {vpc:?}");
        }
        assert!(must_be_unshared(&others, &external("public", "/a", None), Some("cks-1")).is_ok());
        assert_eq!(
            must_be_unnamed(&others, "cks-1", None).err().map(|fault| fault.code),
            Some(Code::CustomKeyStoreNameInUseException)
        );
        assert!(
            must_be_unnamed(&others, "cks-1", Some("cks-1")).is_ok()
                && must_be_unnamed(&others, "cks-3", None).is_ok()
        );
    }
}
