//! The alarm that AWS gives by CloudWatch: how long imported material still lasts (`SecondsUntilKeyMaterialExpiration`).

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::clock::Moment;
use crate::keys::arn::KeyArn;
use crate::service::Service;

/// A key whose imported material expires.
#[derive(Clone, Debug, PartialEq)]
pub struct Expiring {
    /// The key.
    pub key: KeyArn,
    /// Seconds that are left; 0 from the moment it expires until it is destroyed.
    pub seconds: f64,
}

impl Service {
    /// The keys whose imported material expires, with the seconds each has left.
    pub fn expiring(&self, now: Moment) -> Vec<Expiring> {
        let left = |at: Moment| Moment(at.0.saturating_sub(now.0).max(0)).seconds();
        self.house.expiring().into_iter().map(|(key, at)| Expiring { key, seconds: left(at) }).collect()
    }
}

/// To be registered with the front's metrics.
pub struct ExpiryMetrics(pub Arc<Service>);

impl std::fmt::Debug for ExpiryMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExpiryMetrics")
    }
}

impl Collector for ExpiryMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let expiring = self.0.expiring(self.0.clock.now());
        let mut family = encoder.encode_descriptor(
            "cloister_kms_seconds_until_key_material_expiration",
            "Seconds until imported key material expires",
            None,
            MetricType::Gauge,
        )?;
        for Expiring { key, seconds } in expiring {
            let labels = [("key", key.to_string())];
            ConstGauge::new(seconds).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
