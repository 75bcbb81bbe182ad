//! An XKS proxy: the API of [`super::protocol`] for the keys of one PKCS#11 token.
//!
//! A request passes [`http`] (path, body, signature), the policy of its prefix, and then [`operations`], which ask a [`Vault`]. Calls of
//! the vault block; [`workers`] bounds how many and how long.

mod body;
mod credentials;
mod health;
mod hsm;
mod http;
mod keys;
mod log;
mod metrics;
mod operations;
mod policy;
mod probe;
mod run;
mod server;
pub mod settings;
mod tls;
mod vault;
mod workers;

pub use hsm::TokenVault;
pub use probe::serve as serve_probe;
pub use run::run;
pub use server::serve;
pub use settings::{Settings, Wrong};
pub use vault::{KeyName, Token, Usages, Vault, VaultError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// A proxy that is set up. [`serve`] lets it answer.
pub struct Proxy {
    prefixes: HashMap<String, Prefix>,
    workers: workers::Workers,
    health: health::Health,
    tls: Option<openssl::ssl::SslContext>,
    limits: settings::Limits,
    iv_bytes: usize,
    metrics: metrics::Metrics,
    log: log::RequestLog,
}

/// What one tenant has.
struct Prefix {
    credentials: credentials::CredentialFile,
    policy: policy::Policy,
    keys: HashMap<String, keys::Key>,
    /// Its share of requests, if that is limited.
    pace: Option<DefaultDirectRateLimiter>,
}

impl Proxy {
    /// A proxy before `vault`, with a line of each request to `log`.
    pub fn new(
        settings: &Settings,
        vault: Arc<dyn Vault>,
        log: Box<dyn Write + Send>,
    ) -> Result<Proxy, Wrong> {
        let prefixes = settings.prefixes.iter().map(|prefix| Ok((prefix.path.clone(), Prefix::of(prefix)?)));
        let tls = match &settings.tls {
            Some(settings::Tls::Own(files)) => Some(tls::context(files)?),
            Some(settings::Tls::None) | None => None,
        };
        Ok(Proxy {
            prefixes: prefixes.collect::<Result<_, Wrong>>()?,
            workers: workers::Workers::new(vault, settings.hsm.sessions, settings.deadline()),
            health: health::Health::of(settings)?,
            tls,
            limits: settings.limits.clone(),
            iv_bytes: settings.iv_bytes,
            metrics: metrics::Metrics::new(),
            log: log::RequestLog::new(log),
        })
    }
}

impl Prefix {
    fn of(prefix: &settings::Prefix) -> Result<Prefix, Wrong> {
        let at = |Wrong(why): Wrong| Wrong(format!("prefix {:?}: {why}", prefix.path));
        Ok(Prefix {
            credentials: credentials::CredentialFile::open(prefix.credentials.clone())?,
            policy: policy::Policy::of(prefix).map_err(at)?,
            keys: keys::of_settings(&prefix.keys).map_err(at)?,
            pace: prefix.requests_per_second.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
        })
    }
}
