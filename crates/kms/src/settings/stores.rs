//! What custom key stores may be made of: clusters of HSMs, and the proxies of external key managers.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::Settings;
use crate::xks::protocol::limits::ANSWER_MILLISECONDS;

/// A cluster that an AWS_CLOUDHSM store may be made on: one token, behind one slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cluster {
    /// The name it has in the API: `cluster-` and 11 to 16 characters of `2-7a-zA-Z`.
    pub id: String,
    /// The label of its token.
    pub token: String,
    /// The PKCS#11 library it is reached through, if not the default key store's.
    pub module: Option<PathBuf>,
    /// The certificate that a store must name as its trust anchor (PEM). Without it, a store may name any certificate.
    pub trust_anchor: Option<PathBuf>,
    /// The `http://host:port/healthz` of each of its nodes: those that answer 200 are active HSMs.
    #[serde(default)]
    pub health: Vec<String>,
    /// How many active HSMs a token without `health` stands for while it is there.
    #[serde(default = "two")]
    pub hsms: usize,
}

/// Where the proxy behind an `XksProxyUriEndpoint` is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct XksEndpoint {
    /// The endpoint as the API names it: `https://xks.example.com`.
    pub uri: String,
    /// `host:port` that is connected to instead of the endpoint's name and port 443.
    pub address: Option<String>,
    /// The CA of the proxy's certificate (PEM), if not one that the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate, with its chain, that KMS shows to the proxy (PEM).
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM, mode 0600.
    pub key: Option<PathBuf>,
    /// HTTP without TLS, for a proxy on this machine.
    #[serde(default)]
    pub plain: bool,
    /// The VPC endpoint service by which stores may reach this endpoint (`com.amazonaws.vpce.<region>.vpce-svc-...`).
    pub vpc_endpoint_service: Option<String>,
}

/// The longest that a proxy may be given: callers of KMS wait twice that long.
const PATIENCE: u64 = 60_000;

fn two() -> usize {
    2
}

pub(super) fn answer() -> u64 {
    ANSWER_MILLISECONDS
}

pub(super) fn ten() -> usize {
    10
}

/// All files that they name.
pub(super) fn paths<'a>(
    clusters: &'a mut [Cluster],
    endpoints: &'a mut [XksEndpoint],
) -> impl Iterator<Item = &'a mut PathBuf> {
    let of_cluster = |cluster: &'a mut Cluster| [&mut cluster.module, &mut cluster.trust_anchor];
    let of_endpoint =
        |endpoint: &'a mut XksEndpoint| [&mut endpoint.ca, &mut endpoint.certificate, &mut endpoint.key];
    let all = clusters.iter_mut().flat_map(of_cluster).chain(endpoints.iter_mut().flat_map(of_endpoint));
    all.filter_map(Option::as_mut)
}

static CLUSTER_ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^cluster-[2-7a-zA-Z]{11,16}$").ok());

/// What TOML can't say: names are right and used once, one login a token.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    for (i, cluster) in settings.clusters.iter().enumerate() {
        let wrong = |what: String| Err(format!("cluster {}: {what}", cluster.id));
        if !CLUSTER_ID.as_ref().is_some_and(|pattern| pattern.is_match(&cluster.id)) {
            return wrong("an id is `cluster-` and 11 to 16 characters of 2-7, a-z, A-Z".to_owned());
        }
        let module = |cluster: &Cluster| cluster.module.clone().unwrap_or_else(|| settings.module.clone());
        if cluster.token == settings.token && module(cluster) == settings.module {
            return wrong(format!(
                "token {} is the default key store's; a program has one login a token",
                cluster.token
            ));
        }
        let before = settings.clusters.iter().take(i);
        for other in before {
            if other.id == cluster.id || (other.token == cluster.token && module(other) == module(cluster)) {
                return wrong(format!("has its id or its token in common with cluster {}", other.id));
            }
        }
        if let Some(url) = cluster.health.iter().find(|url| !url.starts_with("http://")) {
            return wrong(format!("health address {url} is no http:// address"));
        }
    }
    if !(1..=PATIENCE).contains(&settings.xks_timeout_ms) {
        return Err(format!("xks-timeout-ms: 1 to {PATIENCE} milliseconds"));
    }
    settings.xks_endpoints.iter().try_for_each(check_endpoint)
}

fn check_endpoint(endpoint: &XksEndpoint) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("xks-endpoint {}: {what}", endpoint.uri));
    if !endpoint.uri.starts_with("https://") {
        return wrong("uri must begin with https://, as the API has it");
    }
    if endpoint.certificate.is_some() != endpoint.key.is_some() {
        return wrong("certificate and key go together");
    }
    if endpoint.plain && !endpoint.address.as_deref().is_some_and(is_loopback) {
        return wrong("plain needs an address on this machine (127.0.0.1:port, [::1]:port, localhost:port)");
    }
    if endpoint.plain && (endpoint.ca.is_some() || endpoint.certificate.is_some()) {
        return wrong("plain knows no certificates");
    }
    Ok(())
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "listen = \"\"\nmodule = \"/m\"\ntoken = \"kms\"\npin-file = \"p\"\nregions = [\"us-east-1\"]\naccount = \"111122223333\"\n";

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(&format!("{HEAD}{text}"))
    }

    #[test]
    fn k62_a_cluster_has_a_token_of_its_own() {
        let one = "[[cluster]]\nid = \"cluster-abcdefghij2\"\ntoken = \"a\"\n";
        assert_eq!(parse(one).expect("settings").clusters[0].hsms, 2);
        for (id, token) in [
            ("cluster-abcdefghij2", "b"),
            ("cluster-abcdefghij3", "a"),
            ("cluster-abcdefghij3", "kms"),
            ("cluster-short", "b"),
        ] {
            let both = format!("{one}[[cluster]]\nid = \"{id}\"\ntoken = \"{token}\"\n");
            assert!(parse(&both).is_err(), "{id} {token}");
        }
        let elsewhere =
            format!("{one}[[cluster]]\nid = \"cluster-abcdefghij3\"\ntoken = \"a\"\nmodule = \"/other\"\n");
        assert!(parse(&elsewhere).is_ok());
    }

    #[test]
    fn k81_only_a_proxy_on_this_machine_is_spoken_to_without_tls() {
        for (rest, right) in [
            ("address = \"127.0.0.1:9\"\nplain = true", true),
            ("address = \"[::1]:9\"\nplain = true", true),
            ("address = \"localhost:9\"\nplain = true", true),
            ("address = \"192.0.2.1:9\"\nplain = true", false),
            ("address = \"localhost.example.com:9\"\nplain = true", false),
            ("plain = true", false),
            ("address = \"192.0.2.1:9\"", true),
            ("certificate = \"c.pem\"", false),
        ] {
            let text = format!("[[xks-endpoint]]\nuri = \"https://xks.example.com\"\n{rest}\n");
            assert_eq!(parse(&text).is_ok(), right, "{rest}");
        }
    }
}
