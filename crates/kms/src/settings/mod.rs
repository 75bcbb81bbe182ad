//! How a front is set up: the settings file of `cloister kms`, each member explained in `docs/kms.md`.

mod stores;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use stores::{Cluster, XksEndpoint};

use crate::audit::Unwritable;
use crate::quota::{self, Throttle};

/// The settings of `cloister kms`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where to listen: `host:port`.
    pub listen: String,
    /// Certificate and key, if the API is served over TLS.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Where `/healthz` and `/metrics` are served besides on the API's own address: `host:port`.
    #[serde(default)]
    pub metrics: Option<String>,
    /// The PKCS#11 library.
    pub module: PathBuf,
    /// The label of the token that is the default key store.
    pub token: String,
    /// The file with that token's PIN (or `name:password`), mode 0600.
    pub pin_file: PathBuf,
    /// The Regions that are served; the first is the default.
    #[serde(default = "default_regions")]
    pub regions: Vec<String>,
    /// Who is let in.
    #[serde(default)]
    pub access: Access,
    /// Whether open access, or a clock that anybody may move, may be had from other machines too.
    #[serde(default)]
    pub open_to_all: bool,
    /// The account of callers who prove none, where access is open.
    #[serde(default = "default_account")]
    pub account: String,
    /// The folder of identity policies: `<account>/<user or role>/*.json`.
    #[serde(default)]
    pub identities: Option<PathBuf>,
    /// The audit trail; none is kept unless it is named.
    #[serde(default)]
    pub audit: Option<Audit>,
    /// How often a key can be rotated on demand, in all.
    #[serde(default = "on_demand_rotations")]
    pub on_demand_rotations: usize,
    /// How many keys an account can have in a Region; AWS's own don't count.
    #[serde(default = "keys_per_region")]
    pub keys_per_region: usize,
    /// Whether anyone who reaches the front may move its clock. For tests.
    #[serde(default)]
    pub test_clock: bool,
    /// Request quotas: AWS's, and by name what is to differ; none unless there is such a section.
    #[serde(default)]
    pub throttle: Option<Throttle>,
    /// The clusters that custom key stores may be made on.
    #[serde(default, rename = "cluster")]
    pub clusters: Vec<Cluster>,
    /// Where the endpoints of external key store proxies really are; all others are looked up in DNS.
    #[serde(default, rename = "xks-endpoint")]
    pub xks_endpoints: Vec<XksEndpoint>,
    /// Milliseconds that a proxy may take for an answer, once more after a failure: AWS gives it 250, and so does this unless told.
    #[serde(default = "stores::answer")]
    pub xks_timeout_ms: u64,
    /// How many custom key stores an account may have in a Region.
    #[serde(default = "stores::ten")]
    pub max_key_stores: usize,
}

/// Where the audit trail goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Audit {
    /// Its folder.
    pub folder: PathBuf,
    /// MiB after which a new file is begun.
    #[serde(default = "default_segment")]
    pub segment_mib: u64,
    /// What happens to requests that can't be written down.
    #[serde(default)]
    pub unwritable: Unwritable,
}

fn default_segment() -> u64 {
    64
}

/// Who is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Whose signature holds.
    #[default]
    Signed,
    /// Anybody, as root of an account: for work on one's own machine.
    Open,
}

/// The server's certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those above it, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM, mode 0600.
    pub key: PathBuf,
}

fn default_regions() -> Vec<String> {
    vec!["us-east-1".to_owned()]
}

fn default_account() -> String {
    "000000000000".to_owned()
}

const fn on_demand_rotations() -> usize {
    10
}

const fn keys_per_region() -> usize {
    100_000
}

impl Settings {
    /// From a settings file; relative paths in it start at its folder.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and where.
    pub fn load(file: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(file).map_err(|e| format!("can't read {}: {e}", file.display()))?;
        let settings = Self::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(settings.beneath(file.parent().unwrap_or(Path::new("."))))
    }

    /// From the text of a settings file.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            format!("line {line}: {}", e.message().replace('\n', " "))
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The Region of requests that name none.
    pub fn default_region(&self) -> &str {
        self.regions.first().map_or("us-east-1", String::as_str)
    }

    fn check(&self) -> Result<(), String> {
        let unguarded = self.access == Access::Open || self.test_clock;
        if unguarded && !self.open_to_all && !is_loopback(&self.listen) {
            return Err(format!(
                "listen: whoever reaches {} could use and delete every key: listen on 127.0.0.1, or use access = \"signed\" and no test-clock; \
                 if the network is to have it, say open-to-all = true",
                self.listen
            ));
        }
        if self.regions.is_empty() {
            return Err("regions: name at least one Region, such as \"us-east-1\"".to_owned());
        }
        if !crate::keys::arn::is_account(&self.account) {
            return Err("account: an account is twelve digits".to_owned());
        }
        stores::check(self)?;
        self.throttle.as_ref().map_or(Ok(()), quota::check)
    }

    fn beneath(mut self, folder: &Path) -> Self {
        let paths = [
            Some(&mut self.module),
            Some(&mut self.pin_file),
            self.identities.as_mut(),
            self.audit.as_mut().map(|audit| &mut audit.folder),
        ];
        let tls = self.tls.as_mut().map(|tls| [&mut tls.certificate, &mut tls.key]);
        let stores = stores::paths(&mut self.clusters, &mut self.xks_endpoints);
        for path in paths.into_iter().flatten().chain(tls.into_iter().flatten()).chain(stores) {
            *path = folder.join(&*path);
        }
        self
    }
}

/// Whether only this machine reaches an address. A name other than `localhost` may be anything.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "listen = '127.0.0.1:0'\nmodule = 'm.so'\ntoken = 'kms'\npin-file = '/pin'\n";

    #[test]
    fn little_must_be_said_and_nobody_is_let_in_unproved_by_default() {
        let settings = Settings::parse(LEAST).unwrap();
        assert_eq!((settings.access, settings.default_region()), (Access::Signed, "us-east-1"));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = Settings::parse(&format!("{LEAST}liste = 1\n")).unwrap_err();
        assert!(error.starts_with("line 5:") && error.contains("liste"), "{error}");
        assert!(Settings::parse(&format!("{LEAST}account = '12'\n")).unwrap_err().contains("twelve digits"));
        assert!(Settings::parse(&format!("{LEAST}regions = []\n")).unwrap_err().contains("Region"));
    }

    #[test]
    fn what_anybody_may_use_is_for_this_machine_unless_told_otherwise() {
        let listening = |address: &str, more: &str| {
            Settings::parse(&format!("{}{more}", LEAST.replace("127.0.0.1:0", address)))
        };
        for more in ["access = 'open'\n", "test-clock = true\n"] {
            for here in ["127.0.0.1:1", "[::1]:1", "localhost:1"] {
                assert!(listening(here, more).is_ok(), "{here} {more}");
            }
            for anywhere in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "kms.example:1"] {
                assert!(listening(anywhere, more).unwrap_err().contains("open-to-all"), "{anywhere} {more}");
                assert!(listening(anywhere, &format!("{more}open-to-all = true\n")).is_ok());
            }
        }
        assert!(listening("0.0.0.0:1", "").is_ok());
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let settings = Settings::parse(LEAST).unwrap().beneath(Path::new("/etc/cloister"));
        assert_eq!(
            (settings.module.to_str(), settings.pin_file.to_str()),
            (Some("/etc/cloister/m.so"), Some("/pin"))
        );
    }
}
