//! A proxy on a port of its own for each test, and a client that signs.

mod client;
mod vault;

pub use client::{Answer, Client, metadata};
pub use vault::SoftVault;

use cloister_kms::auth::credentials::{Credential, Secret};
use cloister_kms::xks::proxy::{Proxy, Settings, Vault, serve};
use parking_lot::Mutex;
use serde_json::Value;
use std::fs::Permissions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Prefix `/t`: the key `orders` with two versions, `off`, and keys that can less; any right signature is enough.
pub const SETTINGS: &str = r#"
listen = "127.0.0.1:0"

[hsm]
module = "none"
token = "none"
pin-file = "none"
sessions = 4

[[prefix]]
path = "/t"
credentials = "t.toml"
authorization = "allow-all"
keys-here = true
"#;

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

/// Where log lines can be read.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

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
    /// With [`SETTINGS`].
    pub async fn new(vault: Arc<dyn Vault>) -> Running {
        Running::with(SETTINGS, vault).await
    }

    /// With other settings, in which `keys-here = true` stands for the keys of [`SETTINGS`].
    pub async fn with(settings: &str, vault: Arc<dyn Vault>) -> Running {
        let folder = tempfile::tempdir().unwrap();
        for prefix in ["t", "u"] {
            write_credentials(&folder.path().join(format!("{prefix}.toml")), &[credential(prefix)]);
        }
        Running::within(folder, settings, vault).await
    }

    /// In a folder that is prepared.
    pub async fn within(folder: TempDir, settings: &str, vault: Arc<dyn Vault>) -> Running {
        let text = settings.replace("keys-here = true", KEYS);
        let mut settings = Settings::of_text(&folder.path().join("proxy.toml"), &text).unwrap();
        if !text.contains("deadline-ms") {
            // Longer than the file may say: on a busy machine nothing else is to be late.
            settings.hsm.deadline_ms = 60_000;
        }
        let log = Lines::default();
        let proxy = Arc::new(Proxy::new(&settings, vault, Box::new(log.clone())).unwrap());
        let listener = TcpListener::bind(&settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, proxy.clone(), async move {
            let _ = stopped.await;
        }));
        Running { address, proxy, log, folder, stop, serving }
    }

    /// A client of the prefix `/t`.
    pub fn client(&self) -> Client {
        Client::new(self.address, "/t", credential("t"))
    }

    /// What the last request left in the log.
    pub fn last_line(&self) -> Value {
        serde_json::from_str(self.log.text().lines().last().unwrap()).unwrap()
    }
}

/// An access key; the same for the same name.
pub fn credential(name: &str) -> Credential {
    let digest = openssl::sha::sha256(name.as_bytes());
    Credential {
        access_key: digest.iter().take(20).map(|byte| char::from(b'A' + byte % 26)).collect(),
        secret: Secret::new(hex::encode(digest)[..43].to_owned()),
        session_token: None,
        principal_arn: String::new(),
        account: String::new(),
        via_service: None,
        expires: None,
    }
}

/// A file of access keys, as the proxy wants it, in the place of what was there.
pub fn write_credentials(path: &Path, credentials: &[Credential]) {
    let one = |credential: &Credential| {
        let (id, secret) = (&credential.access_key, credential.secret.expose());
        format!("[[credential]]\naccess-key-id = \"{id}\"\nsecret-access-key = \"{secret}\"\n")
    };
    let new = path.with_extension("new");
    std::fs::write(&new, credentials.iter().map(one).collect::<String>()).unwrap();
    std::fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, path).unwrap();
}
