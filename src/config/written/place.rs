//! Where a slot's token is: a folder, or the nodes of a cluster.

use super::{File, WrittenSlot};
use crate::config::{ClusterSettings, NodeAddress, Place, Problem, TlsFiles};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// Of `connect_timeout_ms`, `probe_ms` and `request_timeout_ms`: to ten minutes.
const TIMEOUTS_MS: RangeInclusive<u64> = 1..=600_000;
const CONNECT_MS: u64 = 1_000;
const PROBE_MS: u64 = 500;
/// Making the largest RSA keys takes that long.
const REQUEST_MS: u64 = 60_000;
/// Of `retry_ms`: nodes may also be tried just once each.
const RETRIES_MS: RangeInclusive<u64> = 0..=600_000;
const RETRY_MS: u64 = 3_000;

impl File<'_> {
    pub(super) fn place(&self, written: &WrittenSlot) -> Result<Place, Problem> {
        match (&written.path, &written.nodes) {
            (Some(path), None) => {
                self.nothing_of_nodes(written)?;
                Ok(Place::Folder { path: self.resolve("path", path)? })
            }
            (None, Some(nodes)) => {
                if written.token.is_some() {
                    let text = "a slot on nodes has no settings of its token here: write them into the nodes' configuration";
                    return Err(self.problem(nodes.span(), text));
                }
                self.cluster(written, nodes).map(Place::Cluster)
            }
            (Some(path), Some(_)) => {
                let text = "a slot has either a path or nodes: leave one out";
                Err(self.problem(path.span(), text))
            }
            (None, None) => {
                let text = "the slot has neither path nor nodes: write path = \"<folder>\" for a token on this machine";
                Err(self.problem(written.id.span(), text))
            }
        }
    }

    fn nothing_of_nodes(&self, written: &WrittenSlot) -> Result<(), Problem> {
        let files = [("ca", &written.ca), ("certificate", &written.certificate), ("key", &written.key)];
        let times = [
            ("connect_timeout_ms", &written.connect_timeout_ms),
            ("probe_ms", &written.probe_ms),
            ("request_timeout_ms", &written.request_timeout_ms),
            ("retry_ms", &written.retry_ms),
        ];
        let files = files.into_iter().filter_map(|(key, file)| Some((key, file.as_ref()?.span())));
        let times = times.into_iter().filter_map(|(key, time)| Some((key, time.as_ref()?.span())));
        match files.chain(times).next() {
            Some((key, span)) => {
                Err(self.problem(span, &format!("{key} is for slots with nodes: leave it out")))
            }
            None => Ok(()),
        }
    }

    fn cluster(
        &self,
        written: &WrittenSlot,
        nodes: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<ClusterSettings, Problem> {
        if nodes.get_ref().is_empty() {
            return Err(self.problem(nodes.span(), "nodes is empty: name at least one"));
        }
        let nodes: Vec<NodeAddress> =
            nodes.get_ref().iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        let by_tls = nodes.iter().find(|node| matches!(node, NodeAddress::Tls { .. }));
        let milliseconds = |key: &str, value: &Option<Spanned<u64>>, usual: u64, range| {
            let Some(value) = value else { return Ok(Duration::from_millis(usual)) };
            self.within(key, value, range).copied().map(Duration::from_millis)
        };
        Ok(ClusterSettings {
            tls: by_tls.map(|node| self.tls(written, node)).transpose()?,
            connect_timeout: milliseconds(
                "connect_timeout_ms",
                &written.connect_timeout_ms,
                CONNECT_MS,
                TIMEOUTS_MS,
            )?,
            probe: milliseconds("probe_ms", &written.probe_ms, PROBE_MS, TIMEOUTS_MS)?,
            request_timeout: milliseconds(
                "request_timeout_ms",
                &written.request_timeout_ms,
                REQUEST_MS,
                TIMEOUTS_MS,
            )?,
            retry: milliseconds("retry_ms", &written.retry_ms, RETRY_MS, RETRIES_MS)?,
            nodes,
        })
    }

    fn node(&self, written: &Spanned<String>) -> Result<NodeAddress, Problem> {
        let text = written.get_ref();
        let no_address =
            || format!("\"{text}\" is no node: write <host>:<port>, or a Unix socket as unix:<path>");
        match NodeAddress::parse(text) {
            Some(NodeAddress::Unix(path)) => {
                let path = Spanned::new(written.span(), path);
                self.resolve("nodes", &path).map(NodeAddress::Unix)
            }
            Some(address) => Ok(address),
            None => Err(self.problem(written.span(), &no_address())),
        }
    }

    fn tls(&self, written: &WrittenSlot, node: &NodeAddress) -> Result<TlsFiles, Problem> {
        let file = |key: &str, file: &Option<Spanned<PathBuf>>| match file {
            Some(file) => self.resolve(key, file),
            None => {
                let text = format!("{node} is reached by TLS: write {key} = \"<PEM file>\" too");
                Err(self.problem(written.id.span(), &text))
            }
        };
        Ok(TlsFiles {
            ca: file("ca", &written.ca)?,
            certificate: file("certificate", &written.certificate)?,
            key: file("key", &written.key)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{parse, problem};
    use super::*;
    use std::path::Path;

    fn slot(rest: &str) -> String {
        format!("[[slot]]\nid = 1\n{rest}")
    }

    fn cluster(rest: &str) -> ClusterSettings {
        match parse(&slot(rest)).unwrap().slots.remove(0).place {
            Place::Cluster(settings) => settings,
            Place::Folder { path } => panic!("{}", path.display()),
        }
    }

    #[test]
    fn a_slot_may_be_on_nodes() {
        let given = cluster(
            "nodes = ['unix:run/n.sock', 'tls:a.example:7']\nca = 'ca.pem'\ncertificate = '/c.pem'\n\
             key = 'k.pem'\nconnect_timeout_ms = 5\nprobe_ms = 4\nrequest_timeout_ms = 6\nretry_ms = 0",
        );
        let expected = ClusterSettings {
            nodes: vec![
                NodeAddress::Unix("/etc/c/run/n.sock".into()),
                NodeAddress::Tls { host: "a.example".to_owned(), port: 7 },
            ],
            tls: Some(TlsFiles {
                ca: "/etc/c/ca.pem".into(),
                certificate: "/c.pem".into(),
                key: "/etc/c/k.pem".into(),
            }),
            connect_timeout: Duration::from_millis(5),
            probe: Duration::from_millis(4),
            request_timeout: Duration::from_millis(6),
            retry: Duration::ZERO,
        };
        assert_eq!(given, expected);
    }

    #[test]
    fn the_example_in_the_manual_is_valid_and_shows_the_defaults() {
        let manual = include_str!("../../../docs/configuration.md");
        let example = manual.split("```toml").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
        let Place::Cluster(given) = parse(example).unwrap().slots.remove(0).place else { panic!("no nodes") };
        let usual = cluster("nodes = ['unix:/n.sock']");
        let times = |of: &ClusterSettings| (of.connect_timeout, of.probe, of.request_timeout, of.retry);
        assert_eq!(times(&given), times(&usual));
        assert_eq!(given.tls.unwrap().key, Path::new("/etc/c/client.key"));
    }

    #[test]
    fn unix_sockets_take_no_certificates_and_timeouts_have_defaults() {
        let given = cluster("nodes = ['unix:/n.sock']");
        assert_eq!((given.tls, given.retry), (None, Duration::from_millis(RETRY_MS)));
    }

    #[test]
    fn a_slot_is_in_one_place() {
        assert!(problem(&slot("")).starts_with("2: the slot has neither path nor nodes"));
        assert!(problem(&slot("path = 'a'\nnodes = ['unix:b']")).starts_with("3: a slot has either"));
        assert!(
            problem(&slot("path = 'a'\nretry_ms = 1")).starts_with("4: retry_ms is for slots with nodes")
        );
        let text = slot("nodes = ['unix:b']\n[slot.token]\nargon2_passes = 1");
        assert!(problem(&text).contains("settings of its token"));
    }

    #[test]
    fn what_is_no_node_and_what_is_missing_is_told() {
        assert!(problem(&slot("nodes = []")).starts_with("3: nodes is empty"));
        assert!(problem(&slot("nodes = ['host']")).starts_with("3: \"host\" is no node"));
        assert!(problem(&slot("nodes = ['tls:h:1']\nca = 'a'")).contains("write certificate"));
        assert!(problem(&slot("nodes = ['unix:b']\nconnect_timeout_ms = 0")).contains("from 1 to 600000"));
    }
}
