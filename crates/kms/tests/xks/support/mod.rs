//! A proxy on a port of its own for each test, and a client that signs.

mod client;
mod vault;

pub use client::{Answer, Client, metadata};
pub use vault::SoftVault;

use crate::proxy::{KEYS_HERE, Lines, SETTINGS, credential, listen, proxy, write_credentials};
use cloister_kms::xks::proxy::{Proxy, Vault};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The usual keys: `orders` with two versions, `off`, and keys that can less.
const KEYS: &str = r#"
[[prefix.key]]
id = "orders"
versions = [{ version = 1, label = "orders-1" }, { version = 2, label = "orders-2" }]
[[prefix.key]]
id = "off"
status = "disabled"
versions = [{ version = 1, label = "off" }]
[[prefix.key]]
id = "gone"
versions = [{ version = 1, label = "gone" }]
[[prefix.key]]
id = "small"
versions = [{ version = 1, label = "small" }]
[[prefix.key]]
id = "encrypts"
versions = [{ version = 1, label = "encrypts" }]
[[prefix.key]]
id = "decrypts"
versions = [{ version = 1, label = "decrypts" }]
[[prefix.key]]
id = "impotent"
versions = [{ version = 1, label = "impotent" }]
"#;

/// A proxy that runs. It stops when the test's runtime does.
pub struct Running {
    pub address: SocketAddr,
    pub proxy: Arc<Proxy>,
    pub log: Lines,
    pub folder: TempDir,
    pub stop: oneshot::Sender<()>,
    pub serving: JoinHandle<()>,
}

impl Running {
    /// With [`SETTINGS`] and the usual keys.
    pub async fn new(vault: Arc<dyn Vault>) -> Running {
        Running::with(SETTINGS, vault).await
    }

    /// With other settings, in which [`KEYS_HERE`] stands for the usual keys.
    pub async fn with(settings: &str, vault: Arc<dyn Vault>) -> Running {
        let folder = tempfile::tempdir().unwrap();
        for prefix in ["t", "u"] {
            write_credentials(&folder.path().join(format!("{prefix}.toml")), &[credential(prefix)]);
        }
        Running::within(folder, settings, vault).await
    }

    /// In a folder that is prepared.
    pub async fn within(folder: TempDir, settings: &str, vault: Arc<dyn Vault>) -> Running {
        let (proxy, log) = proxy(folder.path(), &settings.replace(KEYS_HERE, KEYS), vault);
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let (address, serving) = listen(proxy.clone(), stopped).await;
        Running { address, proxy, log, folder, stop, serving }
    }

    /// A client of the prefix `/t`.
    pub fn client(&self) -> Client {
        Client::new(self.address, "/t", credential("t"))
    }

    /// What the last request left in the log.
    pub fn last_line(&self) -> Value {
        serde_json::from_str(&self.log.last()).unwrap()
    }
}
