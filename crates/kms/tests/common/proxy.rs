//! An XKS proxy in this process, on a port of its own.

use std::fs::Permissions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use cloister_kms::auth::credentials::{Credential, Secret};
use cloister_kms::hsm::Token;
use cloister_kms::xks::proxy::{Proxy, Settings, Vault, serve};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::types::Ulong;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Prefix `/t`, in which [`KEYS_HERE`] stands for its keys; any right signature is enough.
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

/// The line of [`SETTINGS`] to put keys in the place of.
pub const KEYS_HERE: &str = "keys-here = true";

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

    pub fn last(&self) -> String {
        self.text().lines().last().unwrap().to_owned()
    }
}

/// A proxy with its files in `folder`, and its log.
pub fn proxy(folder: &Path, settings: &str, vault: Arc<dyn Vault>) -> (Arc<Proxy>, Lines) {
    let mut read = Settings::of_text(&folder.join("proxy.toml"), settings).unwrap();
    if !settings.contains("deadline-ms") {
        // Longer than the file may say: on a busy machine nothing else is to be late.
        read.hsm.deadline_ms = 60_000;
    }
    let log = Lines::default();
    (Arc::new(Proxy::new(&read, vault, Box::new(log.clone())).unwrap()), log)
}

/// Serves it until `stopped` ends, and what is under way is done.
pub async fn listen(
    proxy: Arc<Proxy>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(serve(listener, proxy, stopped)))
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

/// An AES key of so many bytes in the proxy's token.
pub fn make_key(token: &Token, label: &str, bytes: u64, more: &[Attribute]) {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(Ulong::new(bytes)),
        Attribute::Token(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    template.extend_from_slice(more);
    token.with(|session| session.generate_key(&Mechanism::AesKeyGen, &template)).unwrap();
}
