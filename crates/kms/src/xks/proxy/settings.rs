//! What a proxy is told by its file; `docs/xks.md` explains every key.

mod check;

use crate::xks::protocol::limits;
use crate::xks::protocol::messages::KeyStatus;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a file can't be followed, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Host and port of the API.
    pub listen: String,
    /// Host and port of `/healthz` and `/metrics`, if they are served.
    pub probe: Option<String>,
    /// Where a line of each request goes; standard output without it.
    pub log: Option<PathBuf>,
    /// How connections are secured. Without it: not, and then `listen` must be a loopback address.
    pub tls: Option<Tls>,
    /// Proxies behind the same endpoint, this one among them.
    #[serde(default = "one")]
    pub fleet_size: u32,
    /// Bytes of initialization vectors: 12 or 16. Random ones of 12 meet again after some billions of messages under one key, which a busy store
    /// reaches in weeks.
    #[serde(default = "longest")]
    pub iv_bytes: usize,
    /// The key manager.
    pub hsm: Hsm,
    /// How its health is looked at.
    #[serde(default)]
    pub health: Health,
    /// What callers may take.
    #[serde(default)]
    pub limits: Limits,
    /// Path prefixes: each its own credentials, keys and policy.
    #[serde(rename = "prefix", default)]
    pub prefixes: Vec<Prefix>,
}

/// How connections are secured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all (`tls = "none"`): something before the proxy does it.
    None,
    /// By the proxy.
    Own(TlsFiles),
}

/// TLS by the proxy itself, 1.2 or 1.3.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsFiles {
    /// The proxy's certificate and those that lead to a public CA (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Client certificates are wanted, of one of these CAs (PEM).
    pub client_ca: Option<PathBuf>,
    /// And with one of these common names: `cks.kms.<region>.amazonaws.com`.
    #[serde(default)]
    pub client_names: Vec<String>,
}

/// A PKCS#11 token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hsm {
    /// The PKCS#11 module.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The first line of this file is the PIN (for Cloister's named users: `name:PIN`).
    pub pin_file: PathBuf,
    /// Sessions, and so calls at once.
    #[serde(default = "sixteen")]
    pub sessions: usize,
    /// A request that the token has not answered by then is refused.
    #[serde(default = "two_hundred")]
    pub deadline_ms: u64,
}

/// How the key manager's health is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Health {
    /// The key that is tried; without it, the newest version of the first enabled key of the file.
    pub key: Option<HsmKey>,
    /// For so many seconds a good result is told again: 0 to 60.
    pub seconds: u64,
}

impl Default for Health {
    fn default() -> Self {
        Health { key: None, seconds: 15 }
    }
}

/// What callers may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Seconds for a handshake or the body of a request.
    pub request_seconds: u64,
    /// Seconds that a connection stays open without the whole head of a request.
    pub idle_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 1024, request_seconds: 10, idle_seconds: 60 }
    }
}

/// What one tenant has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prefix {
    /// Empty, or `/` and more: what comes before `/kms/xks/v1`.
    pub path: String,
    /// The file of its access keys.
    pub credentials: PathBuf,
    /// Whether a right signature is enough.
    pub authorization: Authorization,
    /// Who may do what, where it is not.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
    /// Its keys.
    #[serde(rename = "key", default)]
    pub keys: Vec<Key>,
    /// Requests a second that are answered, if there is a limit.
    pub requests_per_second: Option<NonZeroU32>,
}

/// Whether a right signature is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authorization {
    /// It is.
    AllowAll,
    /// A rule must allow, and none deny.
    Rules,
}

/// Secondary authorization. A list that is there must have a pattern (`*`, `?`) for what the request says; one that is not there takes
/// anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Told in the log.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub effect: Effect,
    /// External key ids.
    pub keys: Option<Vec<String>>,
    /// Of `awsPrincipalArn`.
    pub principals: Option<Vec<String>>,
    /// Of `kmsOperation`.
    pub operations: Option<Vec<String>>,
    /// Of `kmsKeyArn`.
    pub key_arns: Option<Vec<String>>,
    /// Of `awsSourceVpc`.
    pub vpcs: Option<Vec<String>>,
    /// Of `awsSourceVpce`.
    pub vpc_endpoints: Option<Vec<String>>,
    /// Of `kmsViaService`.
    pub via_services: Option<Vec<String>>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It allows, unless another denies.
    #[default]
    Allow,
    /// It denies.
    Deny,
}

/// An external key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Key {
    /// Its id in the API.
    pub id: String,
    /// Whether it may be used.
    #[serde(default, deserialize_with = "status")]
    pub status: KeyStatus,
    /// Its material. The highest version encrypts, all decrypt.
    pub versions: Vec<KeyVersion>,
}

/// One version of an external key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyVersion {
    /// Kept with each ciphertext: never given to other material.
    pub version: u32,
    /// `CKA_LABEL`.
    pub label: Option<String>,
    /// `CKA_ID`, in hexadecimal.
    pub id: Option<String>,
}

/// A key of the token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HsmKey {
    /// `CKA_LABEL`.
    pub label: Option<String>,
    /// `CKA_ID`, in hexadecimal.
    pub id: Option<String>,
}

impl Settings {
    /// Reads and checks a file. Paths in it start at its own folder.
    pub fn read(path: &Path) -> Result<Settings, Wrong> {
        let wrong = |error: std::io::Error| Wrong(format!("{}: {error}", path.display()));
        let path = std::path::absolute(path).map_err(wrong)?;
        Settings::of_text(&path, &std::fs::read_to_string(&path).map_err(wrong)?)
    }

    /// The same, of a text that is in the file at `path`.
    pub fn of_text(path: &Path, text: &str) -> Result<Settings, Wrong> {
        let mut settings: Settings = from_toml(path, text)?;
        settings.check().map_err(|wrong| Wrong(format!("{}: {wrong}", path.display())))?;
        settings.resolve(path.parent().unwrap_or(Path::new("/")));
        Ok(settings)
    }

    /// The longest that the token may take.
    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.hsm.deadline_ms)
    }

    fn resolve(&mut self, folder: &Path) {
        let mut files = vec![&mut self.hsm.module, &mut self.hsm.pin_file];
        files.extend(&mut self.log);
        if let Some(Tls::Own(tls)) = &mut self.tls {
            files.extend([&mut tls.certificate, &mut tls.key]);
            files.extend(&mut tls.client_ca);
        }
        files.extend(self.prefixes.iter_mut().map(|prefix| &mut prefix.credentials));
        for file in files {
            *file = folder.join(&*file);
        }
    }
}

/// Reads TOML; an error is one line: `<file>:<line>: <what is wrong>`.
pub(super) fn from_toml<T: de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, Wrong> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        let line = before.matches('\n').count().saturating_add(1);
        Wrong(format!("{}:{line}: {}", path.display(), error.message().replace('\n', " ")))
    })
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NoneOrFiles;

        impl<'de> Visitor<'de> for NoneOrFiles {
            type Value = Tls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"none\" or a table with certificate and key")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tls, E> {
                match text {
                    "none" => Ok(Tls::None),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tls, A::Error> {
                TlsFiles::deserialize(de::value::MapAccessDeserializer::new(map)).map(Tls::Own)
            }
        }

        deserializer.deserialize_any(NoneOrFiles)
    }
}

/// `enabled` or `disabled`, as the rest of the file is written.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyStatus, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "enabled" => Ok(KeyStatus::Enabled),
        "disabled" => Ok(KeyStatus::Disabled),
        other => Err(de::Error::unknown_variant(other, &["enabled", "disabled"])),
    }
}

fn one() -> u32 {
    1
}

fn longest() -> usize {
    limits::IV_BYTES[1] // invariant: it has two
}

fn sixteen() -> usize {
    16
}

fn two_hundred() -> u64 {
    200
}

#[cfg(test)]
mod tests;
