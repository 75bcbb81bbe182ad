//! Where a slot's nodes are, and how to reach them.

use serde::{Serialize, Serializer};
use std::path::PathBuf;
use std::time::Duration;

/// The nodes of a slot whose token is on a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterSettings {
    /// At least one.
    pub nodes: Vec<NodeAddress>,
    /// What TLS takes; there if any node is reached by it.
    #[serde(flatten)]
    pub tls: Option<TlsFiles>,
    /// For reaching one node, TLS handshake included.
    #[serde(rename = "connect_timeout_ms", serialize_with = "milliseconds")]
    pub connect_timeout: Duration,
    /// How long a node may be silent before it is asked whether it is still there, and how long it may take to say so.
    #[serde(rename = "probe_ms", serialize_with = "milliseconds")]
    pub probe: Duration,
    /// For the answer to one request, from a node that is there.
    #[serde(rename = "request_timeout_ms", serialize_with = "milliseconds")]
    pub request_timeout: Duration,
    /// How long to go on looking for a node that serves while none does.
    #[serde(rename = "retry_ms", serialize_with = "milliseconds")]
    pub retry: Duration,
}

/// Who this side is, and whose nodes it trusts; PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsFiles {
    /// The cluster's CA.
    pub ca: PathBuf,
    /// This client's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// One node's client socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// TLS over TCP.
    Tls {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
}

impl NodeAddress {
    /// Reads `unix:<path>` or `tls:<host>:<port>` (an IPv6 address in brackets). What stands without a prefix is a Unix socket if it is a path from
    /// the root, and else reached by TLS.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return (!path.is_empty()).then(|| NodeAddress::Unix(path.into()));
        }
        if text.starts_with('/') {
            return Some(NodeAddress::Unix(text.into()));
        }
        let (host, port) = host_and_port(text.strip_prefix("tls:").unwrap_or(text))?;
        Some(NodeAddress::Tls { host: host.to_owned(), port })
    }
}

/// Reads `<host>:<port>`, where the host is a name or an address, one of IPv6 in brackets, and the port is not 0. The host is answered
/// without brackets.
pub fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_bracketed = bare.len() != host.len();
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:%".contains(&byte);
    let is_name = !bare.is_empty() && bare.contains(':') == is_bracketed && bare.bytes().all(is_host);
    is_name.then_some((bare, port))
}

impl std::fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NodeAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            NodeAddress::Tls { host, port } if host.contains(':') => write!(f, "tls:[{host}]:{port}"),
            NodeAddress::Tls { host, port } => write!(f, "tls:{host}:{port}"),
        }
    }
}

impl Serialize for NodeAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in ["unix:/run/cloister.sock", "tls:node-1.example:7001", "tls:[::1]:7001", "tls:10.0.0.1:1"]
        {
            assert_eq!(NodeAddress::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn without_a_prefix_a_path_is_a_unix_socket_and_a_host_is_reached_by_tls() {
        for text in ["unix:/run/cloister.sock", "tls:node-1.example:7001", "tls:[::1]:7001"] {
            let (_, short) = text.split_once(':').unwrap();
            assert_eq!(NodeAddress::parse(short), NodeAddress::parse(text), "{short}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "run/x",
            "host",
            "host:",
            ":1",
            "unix:",
            "tls:",
            "tls:host",
            "tls::1",
            "tls:host:0",
            "tls:host:65536",
        ] {
            assert_eq!(NodeAddress::parse(text), None, "{text}");
        }
        for text in ["tls:::1:7001", "tls:[host]:1", "tcp:host:1", "tls:a host:1", "tls:\"a:1"] {
            assert_eq!(NodeAddress::parse(text), None, "{text}");
        }
    }
}
