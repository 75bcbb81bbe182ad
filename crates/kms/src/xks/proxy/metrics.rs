//! What a proxy counts: requests by operation and status, and how long they took.

use crate::xks::protocol::Operation;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// Upper bounds in seconds, up to where KMS hangs up.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25];

type Labels = Vec<(&'static str, String)>;

/// The counters and the page that shows them.
pub(super) struct Metrics {
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    pub(super) connections: Gauge,
    registry: Registry,
}

impl Metrics {
    pub(super) fn new() -> Metrics {
        let histogram: fn() -> Histogram = || Histogram::new(BOUNDS);
        let mut registry = Registry::with_prefix("cloister_xks_proxy");
        let requests = Family::<Labels, Counter>::default();
        let seconds = Family::<Labels, Histogram, fn() -> Histogram>::new_with_constructor(histogram);
        let connections = Gauge::default();
        registry.register("requests", "Requests answered, by operation and HTTP status", requests.clone());
        registry.register("request_seconds", "Time from a request's head to its answer", seconds.clone());
        registry.register("connections", "Open connections", connections.clone());
        Metrics { requests, seconds, connections, registry }
    }

    pub(super) fn answered(&self, operation: Option<Operation>, status: u16, took: Duration) {
        let operation = ("operation", operation.map_or("none", Operation::name).to_owned());
        self.seconds.get_or_create(&vec![operation.clone()]).observe(took.as_secs_f64());
        self.requests.get_or_create(&vec![operation, ("status", status.to_string())]).inc();
    }

    /// In the OpenMetrics text format.
    pub(super) fn page(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}
