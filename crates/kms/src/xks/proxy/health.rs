//! Whether the key manager works: found by using it, told again for a while (specification, GetHealthStatus).

use super::settings::{Settings, Wrong};
use super::vault::{KeyName, Token, Vault, VaultError};
use super::workers::Workers;
use crate::xks::protocol::Failure;
use crate::xks::protocol::messages::{HealthResponse, HealthStatus, KeyManager};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Who made the proxy, and what it is.
const VENDOR: &str = "Cloister";
const MODEL: &str = concat!("Cloister XKS Proxy ", env!("CARGO_PKG_VERSION"));

/// A bad result is told again for so long at most, that a broken key manager is not asked by all at once.
const KEEP_BAD: Duration = Duration::from_secs(1);

/// What is known of the key manager's health.
pub(super) struct Health {
    key: KeyName,
    keep: Duration,
    fleet_size: u32,
    last: Mutex<Option<(Instant, Result<HealthResponse, Failure>)>>,
}

impl Health {
    pub(super) fn of(settings: &Settings) -> Result<Health, Wrong> {
        Ok(Health {
            key: key(settings)?,
            keep: Duration::from_secs(settings.health.seconds),
            fleet_size: settings.fleet_size,
            last: Mutex::new(None),
        })
    }

    /// The health of at most [`Settings::health`] seconds ago.
    pub(super) async fn status(&self, workers: &Workers) -> Result<HealthResponse, Failure> {
        let mut last = self.last.lock().await;
        if let Some((when, result)) = &*last {
            let keep = if result.is_ok() { self.keep } else { self.keep.min(KEEP_BAD) };
            if when.elapsed() < keep {
                return result.clone();
            }
        }
        let begun = Instant::now();
        let key = self.key.clone();
        let result = workers.run(move |vault| deep_check(vault, &key)).await;
        // Whoever needs more than half of the time that there is will need more than all of it under load.
        let slow = begun.elapsed() > workers.deadline() / 2;
        let result = result.map(|token| self.response(token, slow));
        *last = Some((begun, result.clone()));
        result
    }

    fn response(&self, token: Token, slow: bool) -> HealthResponse {
        let health_status = if slow { HealthStatus::Degraded } else { HealthStatus::Active };
        HealthResponse {
            xks_proxy_fleet_size: self.fleet_size,
            xks_proxy_vendor: VENDOR.to_owned(),
            xks_proxy_model: MODEL.to_owned(),
            ekm_vendor: token.vendor,
            ekm_fleet_details: vec![KeyManager { id: token.serial, model: token.model, health_status }],
        }
    }
}

/// The key for this, or the newest version of the first key that is enabled.
fn key(settings: &Settings) -> Result<KeyName, Wrong> {
    if let Some(key) = &settings.health.key {
        return KeyName::of(key);
    }
    let keys = super::keys::of_settings;
    let all = settings.prefixes.iter().flat_map(|prefix| &prefix.keys);
    let enabled = all.clone().find(|key| key.status == Default::default());
    let first = enabled.or(all.clone().next()).map(std::slice::from_ref).unwrap_or_default();
    let named = keys(first)?.into_values().next();
    let newest = named.as_ref().and_then(|key| key.newest()).map(|(_, name)| name.clone());
    newest.ok_or_else(|| Wrong("there is no key to look after the token's health with".to_owned()))
}

/// Everything that a request needs: random bytes, an encryption, a decryption.
fn deep_check(vault: &dyn Vault, key: &KeyName) -> Result<Token, VaultError> {
    const SAMPLE: &[u8] = b"is it well?";
    let iv = vault.random(12)?;
    let sealed = vault.encrypt(key, &iv, &[], SAMPLE)?;
    match vault.decrypt(key, &iv, &[], &sealed) {
        Ok(opened) if *opened == SAMPLE => vault.token(),
        // A key that only encrypts.
        Err(VaultError::NotPermitted(_)) => vault.token(),
        Ok(_) | Err(VaultError::Corrupted) => {
            Err(VaultError::Failed("what it encrypted does not decrypt to what was given".to_owned()))
        }
        Err(error) => Err(error),
    }
}
