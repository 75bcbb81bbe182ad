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

/// How far the time is moved; days and seconds add up.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    advance_days: u32,
    #[serde(default)]
    advance_seconds: u32,
}

/// Moves the time, does what is due by then, and tells what time it is and what was done. Days and seconds are whole and not negative.
pub fn advance(service: &Service, body: &[u8]) -> Response<Full<Bytes>> {
    if !service.settings.test_clock {
        return status(StatusCode::NOT_FOUND);
    }
    let Ok(advance) = serde_json::from_slice::<Advance>(body) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let days = i64::from(advance.advance_days).saturating_mul(DAY);
    service.clock.advance(days.saturating_add(i64::from(advance.advance_seconds).saturating_mul(1000)));
    let now = service.clock.now();
    match service.keep_house(now) {
        Ok(report) => answer(&json!({ "now": now.seconds(), "done": report })),
        Err(trouble) => {
            tracing::warn!(%trouble, "the clock was moved, and what is due was not done");
            status(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn answer(body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}
