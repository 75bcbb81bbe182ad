//! What a front counts: `/metrics`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::exchange::Answer;
use super::listen::status;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Upper bounds of the times that requests take, in seconds: from a data key to the making of a long RSA key.
const BOUNDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

/// The counters of a front.
pub struct Meter {
    requests: Family<Labels<2>, Counter>,
    times: Family<Labels<1>, Histogram, fn() -> Histogram>,
    open: Gauge<u64, AtomicU64>,
    registry: Mutex<Registry>,
}

/// A connection that counts as open until this is dropped.
pub struct Open(Arc<Meter>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}

impl Default for Meter {
    fn default() -> Self {
        let times: fn() -> Histogram = || Histogram::new(BOUNDS);
        let meter = Self {
            requests: Family::default(),
            times: Family::new_with_constructor(times),
            open: Gauge::default(),
            registry: Mutex::default(),
        };
        meter.register(|registry| {
            registry.register(
                "cloister_kms_requests",
                "Requests answered, by operation and error",
                meter.requests.clone(),
            );
            registry.register(
                "cloister_kms_request_seconds",
                "Seconds from a request's last byte to its answer",
                meter.times.clone(),
            );
            registry.register("cloister_kms_connections", "Connections open now", meter.open.clone());
        });
        meter
    }
}

impl Meter {
    /// Lets another room add what it counts.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock());
    }

    /// Counts a connection.
    pub fn connected(self: &Arc<Self>) -> Open {
        self.open.inc();
        Open(self.clone())
    }

    /// Counts an answer that took so long.
    pub fn answered(&self, answer: &Answer, took: Duration) {
        let operation = answer.operation.unwrap_or("unknown");
        self.requests.get_or_create(&[("operation", operation), ("error", answer.error.unwrap_or(""))]).inc();
        self.times.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
    }

    /// All that is counted, in the text form of OpenMetrics.
    pub fn page(&self) -> Response<Full<Bytes>> {
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry.lock()).is_err() {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let mut response = Response::new(Full::from(text));
        response.headers_mut().insert(
            "content-type",
            HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        );
        response
    }
}
