//! The clusters that stores may be on: which there are, how many of their HSMs are active, whose certificate they have.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use openssl::x509::X509;

use super::net;
use super::record::CloudHsm;
use crate::hsm::error::Result;
use crate::hsm::{Login, Logins, Module, Token, Trouble};
use crate::settings::{Cluster, Settings};

/// The user of the cluster as whom KMS logs in.
pub const KMSUSER: &str = "kmsuser";

/// How long a node may take to say that it is well.
const HEALTH: Duration = Duration::from_secs(1);

/// The clusters of the settings.
pub struct Clusters {
    clusters: Vec<Cluster>,
    module: PathBuf,
}

impl Clusters {
    /// Those of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { clusters: settings.clusters.clone(), module: settings.module.clone() }
    }

    /// The cluster of that id.
    pub fn find(&self, id: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.id == id)
    }

    /// How many of the cluster's HSMs are active: nodes that answer; for a token without health addresses, as many as it stands for while it is there.
    ///
    /// # Errors
    ///
    /// None is, and why: `NoToken`, `Unreachable`, or the library can't be loaded.
    pub fn active(&self, cluster: &Cluster) -> Result<usize> {
        if cluster.health.is_empty() {
            self.module(cluster)?.holds(&cluster.token)?;
            return Ok(cluster.hsms);
        }
        Ok(net::wait(healthy(&cluster.health)).unwrap_or(0))
    }

    /// The cluster's token, logged in to by one login now.
    pub fn log_in(&self, cluster: &Cluster, login: Login) -> Result<Token> {
        Token::open(&self.module(cluster)?, &cluster.token, login)
    }

    /// The token of a store's cluster, logged in to when it is needed.
    pub fn token(&self, store: &CloudHsm, logins: Box<Logins>) -> Result<Token> {
        let cluster = self.find(&store.cluster).ok_or_else(|| Trouble::NoToken(store.cluster.clone()))?;
        Token::at(&self.module(cluster)?, &cluster.token, logins)
    }

    fn module(&self, cluster: &Cluster) -> Result<Arc<Module>> {
        Module::load(cluster.module.as_ref().unwrap_or(&self.module))
    }
}

/// How many of these answer 200 in time, all asked at once.
async fn healthy(addresses: &[String]) -> usize {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let asked: Vec<_> = addresses
        .iter()
        .filter_map(|address| address.parse().ok())
        .map(|address| tokio::spawn(tokio::time::timeout(HEALTH, client.get(address))))
        .collect();
    let mut well: usize = 0;
    for answer in asked {
        if matches!(answer.await, Ok(Ok(Ok(response))) if response.status().is_success()) {
            well = well.saturating_add(1);
        }
    }
    well
}

/// The certificate of a cluster, if its settings name one.
///
/// # Errors
///
/// `Other` when the file can't be read.
pub fn certificate(cluster: &Cluster) -> Result<Option<X509>> {
    let Some(path) = &cluster.trust_anchor else { return Ok(None) };
    let pem = std::fs::read(path).map_err(|error| Trouble::Other(format!("{}: {error}", path.display())))?;
    X509::from_pem(&pem)
        .map(Some)
        .map_err(|_| Trouble::Other(format!("{}: no PEM certificate", path.display())))
}

/// Whether `pem` holds exactly that certificate, however its text is laid out.
pub fn is_certificate(pem: &str, certificate: &X509) -> bool {
    let given = X509::from_pem(pem.as_bytes()).and_then(|given| given.to_der());
    matches!((given, certificate.to_der()), (Ok(given), Ok(wanted)) if given == wanted)
}

/// Whether `pem` holds a certificate at all.
pub fn holds_certificate(pem: &str) -> bool {
    X509::from_pem(pem.as_bytes()).is_ok()
}
