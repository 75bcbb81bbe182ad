//! `POST /_cloister/clock`: tests move the time of keys, so that thirty days take a second. Only where the settings allow it (`test-clock`).

use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::listen::status;
use crate::clock::DAY;
use crate::service::Service;

/// Where it is served.
pub const PATH: &str = "/_cloister/clock";

/// How far the time is moved; days and seconds add up, and may have fractions.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    advance_days: f64,
    #[serde(default)]
    advance_seconds: f64,
}

/// Moves the time, does what is due by then, and tells what time it is and what was done. It can't be moved back, nor by more than a thousand years.
pub fn advance(service: &Service, body: &[u8]) -> Response<Full<Bytes>> {
    if !service.settings.test_clock {
        return status(StatusCode::NOT_FOUND);
    }
    let Some(milliseconds) = serde_json::from_slice(body).ok().and_then(milliseconds) else {
        return status(StatusCode::BAD_REQUEST);
    };
    service.clock.advance(milliseconds);
    let now = service.clock.now();
    match service.keep_house(now) {
        Ok(report) => answer(&json!({ "now": now.seconds(), "done": report })),
        Err(trouble) => {
            tracing::warn!(%trouble, "the clock was moved, and what is due was not done");
            status(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn milliseconds(advance: Advance) -> Option<i64> {
    const LONGEST: f64 = 1000.0 * 366.0 * DAY as f64;
    let milliseconds = advance.advance_days * DAY as f64 + advance.advance_seconds * 1000.0;
    (0.0..=LONGEST).contains(&milliseconds).then_some(milliseconds as i64)
}

fn answer(body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}
