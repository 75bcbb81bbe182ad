//! How a front is set up.

mod stores;

use std::path::PathBuf;

use serde::Deserialize;

pub use stores::{Cluster, XksEndpoint};

/// The settings of `cloister kms`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where to listen: `host:port`.
    pub listen: String,
    /// The PKCS#11 library.
    pub module: PathBuf,
    /// The label of the token that is the default key store.
    pub token: String,
    /// The file with that token's PIN (or `name:password`), mode 0600.
    pub pin_file: PathBuf,
    /// The Regions that are served; the first is the default.
    pub regions: Vec<String>,
    /// The account of callers who prove none.
    pub account: String,
    /// The clusters that custom key stores may be made on.
    #[serde(default, rename = "cluster")]
    pub clusters: Vec<Cluster>,
    /// Where the endpoints of external key store proxies really are; all others are looked up in DNS.
    #[serde(default, rename = "xks-endpoint")]
    pub xks_endpoints: Vec<XksEndpoint>,
    /// How many custom key stores an account may have in a Region.
    #[serde(default = "stores::ten")]
    pub max_key_stores: usize,
}

impl Settings {
    /// From the text of a settings file.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|e| e.to_string().trim().replace('\n', " "))?;
        stores::check(&settings)?;
        Ok(settings)
    }

    /// The Region of requests that name none.
    pub fn default_region(&self) -> &str {
        self.regions.first().map_or("us-east-1", String::as_str)
    }
}
