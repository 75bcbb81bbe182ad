//! The local port for whoever watches a node: `/metrics` in the OpenMetrics text format, which Prometheus reads, and `/healthz`.
//!
//! [`counters`] counts what a node does, `rate` how fast, `page` writes it all down, and `http` answers. Nothing here is a secret, and no
//! name of a user, object or client appears.

pub mod counters;
mod http;
mod page;
mod rate;

pub use counters::Counters;
pub use http::serve;
