//! What the shape of a file does not say about its values.

use super::{Authorization, HsmKey, Key, Prefix, Settings, Tls, Wrong};
use crate::xks::protocol::{BASE, limits};
use std::collections::HashSet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Below the 250 ms in which KMS wants its answer, with a little for the way.
const DEADLINE_MS: RangeInclusive<u64> = 10..=240;
const SESSIONS: RangeInclusive<usize> = 1..=1024;
const HEALTH_SECONDS: RangeInclusive<u64> = 0..=60;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const SECONDS: RangeInclusive<u64> = 1..=86_400;
const VERSIONS: RangeInclusive<usize> = 1..=1000;

impl Settings {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        self.check_tls()?;
        within("hsm.sessions", &self.hsm.sessions, &SESSIONS)?;
        within("hsm.deadline-ms", &self.hsm.deadline_ms, &DEADLINE_MS)?;
        within("health.seconds", &self.health.seconds, &HEALTH_SECONDS)?;
        within("limits.connections", &self.limits.connections, &CONNECTIONS)?;
        within("limits.request-seconds", &self.limits.request_seconds, &SECONDS)?;
        within("limits.idle-seconds", &self.limits.idle_seconds, &SECONDS)?;
        within("fleet-size", &self.fleet_size, &(1..=u32::MAX))?;
        if !limits::IV_BYTES.contains(&self.iv_bytes) {
            return Err(Wrong(format!("iv-bytes = {}: write 12 or 16", self.iv_bytes)));
        }
        if self.prefixes.is_empty() {
            return Err(Wrong("there is no [[prefix]]: nobody could ask for anything".to_owned()));
        }
        all_distinct("prefix", self.prefixes.iter().map(|prefix| prefix.path.as_str()))?;
        self.prefixes.iter().try_for_each(check_prefix)?;
        match &self.health.key {
            Some(key) => check_hsm_key("health.key", key),
            None if self.prefixes.iter().all(|prefix| prefix.keys.is_empty()) => Err(Wrong(
                "there is no key to look after the token's health with: add [[prefix.key]] or health.key"
                    .into(),
            )),
            None => Ok(()),
        }
    }

    fn check_tls(&self) -> Result<(), Wrong> {
        match &self.tls {
            None if !is_loopback(&self.listen) => Err(Wrong(format!(
                "listen = {:?} is not a loopback address: add [tls], or tls = \"none\" if TLS ends before the proxy",
                self.listen
            ))),
            Some(Tls::Own(files)) if files.client_ca.is_some() == files.client_names.is_empty() => {
                Err(Wrong("tls.client-ca and tls.client-names go together: KMS is known by both".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

fn check_prefix(prefix: &Prefix) -> Result<(), Wrong> {
    let at = |wrong: Wrong| Wrong(format!("prefix {:?}: {wrong}", prefix.path));
    let path = format!("{}{BASE}", prefix.path);
    if !limits::is_uri_path(&path) {
        return Err(at(Wrong(format!(
            "write \"\", or \"/\" and letters, digits, '/', '-' and '_', with {BASE} {} characters at most",
            limits::URI_PATH_CHARACTERS
        ))));
    }
    match (prefix.authorization, prefix.rules.is_empty()) {
        (Authorization::AllowAll, false) => {
            return Err(at(Wrong("rules don't count where authorization = \"allow-all\"".to_owned())));
        }
        (Authorization::Rules, true) => {
            return Err(at(Wrong(
                "authorization = \"rules\" without a [[prefix.rule]] refuses all".to_owned(),
            )));
        }
        _ => {}
    }
    all_distinct("key", prefix.keys.iter().map(|key| key.id.as_str())).map_err(at)?;
    prefix.keys.iter().try_for_each(check_key).map_err(at)?;
    let material = prefix.keys.iter().flat_map(|key| &key.versions).map(|version| {
        format!(
            "label {:?}, id {:?}",
            version.label.as_deref().unwrap_or(""),
            version.id.as_deref().unwrap_or("")
        )
    });
    // What one external key has encrypted, another must not decrypt.
    all_distinct("key of the token", material.collect::<Vec<_>>().iter().map(String::as_str)).map_err(at)
}

fn check_key(key: &Key) -> Result<(), Wrong> {
    let at = |wrong: Wrong| Wrong(format!("key {:?}: {wrong}", key.id));
    if !limits::is_key_id(&key.id) {
        let limit = limits::KEY_ID_CHARACTERS;
        return Err(at(Wrong(format!("an id has 1 to {limit} letters, digits, '-', '.' and '_'"))));
    }
    within("number of versions", &key.versions.len(), &VERSIONS).map_err(at)?;
    let numbers: Vec<String> = key.versions.iter().map(|version| version.version.to_string()).collect();
    all_distinct("version", numbers.iter().map(String::as_str)).map_err(at)?;
    key.versions.iter().try_for_each(|version| {
        let hsm_key = HsmKey { label: version.label.clone(), id: version.id.clone() };
        check_hsm_key(&format!("version {}", version.version), &hsm_key).map_err(at)
    })
}

fn check_hsm_key(name: &str, key: &HsmKey) -> Result<(), Wrong> {
    if key.label.is_none() && key.id.is_none() {
        return Err(Wrong(format!("{name}: write label, id or both")));
    }
    match key.id.as_ref().map(hex::decode) {
        Some(Err(_)) => Err(Wrong(format!("{name}: id is not hexadecimal"))),
        _ => Ok(()),
    }
}

fn within<T: PartialOrd + Display>(name: &str, value: &T, allowed: &RangeInclusive<T>) -> Result<(), Wrong> {
    match allowed.contains(value) {
        true => Ok(()),
        false => Err(Wrong(format!("{name} = {value}: write {} to {}", allowed.start(), allowed.end()))),
    }
}

fn all_distinct<'a>(what: &str, mut names: impl Iterator<Item = &'a str>) -> Result<(), Wrong> {
    let mut seen = HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(name) => Err(Wrong(format!("{what} {name:?} is there twice"))),
        None => Ok(()),
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost"
        || address.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback())
        || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}
