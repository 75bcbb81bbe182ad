//! The page of `/metrics`.

use super::counters::Counters;
use crate::admin::{NodeReport, Role};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// What the page is written in.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Whole = Gauge<u64, AtomicU64>;
type Real = Gauge<f64, AtomicU64>;

/// A number of a report: name, what it is, and where it stands; one that is not known is left out.
type Row<N> = (&'static str, &'static str, fn(&NodeReport) -> Option<N>);

const WHOLE: &[Row<u64>] = &[
    ("serves", "1 if the node serves clients", |node| Some(node.serves().into())),
    ("token_initialized", "1 if there is a token", |node| Some(node.token.is_some().into())),
    ("leader_known", "1 if the node knows who leads", |node| Some(node.leader.is_some().into())),
    ("term", "Term of consensus", |node| Some(node.term)),
    ("last_log_index", "Last entry in the log", |node| node.last),
    ("applied_index", "Last entry applied to the token", |node| node.applied),
    ("objects", "Objects in the token", |node| Some(node.objects)),
    ("users", "Users of the token", |node| Some(node.users)),
    ("client_connections", "Clients connected", |node| Some(node.connections)),
    ("certificate_expires_seconds", "End of the node's certificate, since 1970", |node| {
        Some(node.certified_until)
    }),
    ("uptime_seconds", "Time since the node started", |node| Some(node.uptime)),
];

const REAL: &[Row<f64>] = &[
    ("operations_per_second", "Calls answered a second, over ten seconds", |node| Some(node.rate)),
    ("clock_seconds", "The node's clock, since 1970", |node| Some(node.clock as f64 / 1000.0)),
];

/// A node's numbers, and what it has counted.
pub(super) fn page(node: &NodeReport, counters: &Counters) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("cloister");
    for (name, help, value) in WHOLE {
        if let Some(value) = value(node) {
            let gauge = Whole::default();
            gauge.set(value);
            registry.register(*name, *help, gauge);
        }
    }
    for (name, help, value) in REAL {
        if let Some(value) = value(node) {
            let gauge = Real::default();
            gauge.set(value);
            registry.register(*name, *help, gauge);
        }
    }
    let operations: Counter = Counter::default();
    operations.inc_by(node.operations);
    registry.register("operations", "Calls answered", operations);
    registry.register("node", "Which node this is", Info::new(identity(node)));
    registry.register("role", "1 for the node's part in consensus", roles(node));
    registry.register("member_lag_entries", "Entries that a member is behind; the leader knows", lags(node));
    counters.register(&mut registry);
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

fn identity(node: &NodeReport) -> Vec<(&'static str, String)> {
    vec![
        ("id", node.id.to_string()),
        ("name", node.name.clone()),
        ("version", node.software.clone()),
        ("protocol", node.protocol.to_string()),
        ("sync", node.sync_address.clone()),
        ("client", node.client_address.clone()),
    ]
}

fn roles(node: &NodeReport) -> Family<[(&'static str, &'static str); 1], Whole> {
    let roles = Family::<_, Whole>::default();
    for role in Role::ALL {
        roles.get_or_create(&[("role", role.name())]).set((role == node.role).into());
    }
    roles
}

fn lags(node: &NodeReport) -> Family<[(&'static str, String); 2], Whole> {
    let lags = Family::<_, Whole>::default();
    for lag in &node.lags {
        lags.get_or_create(&[("id", lag.id.to_string()), ("name", lag.name.clone())]).set(lag.entries);
    }
    lags
}
