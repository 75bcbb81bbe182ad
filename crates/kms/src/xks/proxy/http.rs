//! From an HTTP request to its answer: path, method, body, signature, and only then what it asks.

use super::Proxy;
use super::keys::Key;
use super::log::Entry;
use super::{Prefix, body};
use crate::auth::sigv4::{self, Claim, Expected};
use crate::xks::protocol::limits::{CLOCK_SKEW_SECONDS, URI_CHARACTERS, is_key_id};
use crate::xks::protocol::messages::{PlainRequest, Request as Asked, RequestMetadata};
use crate::xks::protocol::{ErrorBody, ErrorName, Failure, Operation, Route, SERVICE, Target};
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Why a request is not done.
pub(super) enum Refusal {
    /// It is not a POST.
    Method,
    /// An error of the API.
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failure(failure)
    }
}

/// The body of an answer; it may hold plaintext.
type Json = Zeroizing<Vec<u8>>;

impl Proxy {
    /// Answers, and notes it in log and metrics.
    pub(super) async fn answer<B>(&self, request: Request<B>, source: SocketAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let begun = Instant::now();
        let time = Some(OffsetDateTime::now_utc());
        let mut entry = Entry { time, source: Some(source), ..Entry::default() };
        let response = match self.judge(request, &mut entry).await {
            Ok(json) => respond(StatusCode::OK, Bytes::from_owner(json)),
            Err(Refusal::Failure(failure)) => {
                entry.failed(&failure);
                refuse(&failure)
            }
            Err(Refusal::Method) => {
                let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                response
            }
        };
        let took = begun.elapsed();
        entry.status = response.status().as_u16();
        entry.duration_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.metrics.answered(entry.operation, entry.status, took);
        self.log.write(&entry);
        response
    }

    async fn judge<B>(&self, request: Request<B>, entry: &mut Entry) -> Result<Json, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (parts, body) = request.into_parts();
        let (route, prefix) = self.route(&parts).inspect_err(|_| {
            entry.path = Some(parts.uri.path().chars().take(URI_CHARACTERS).collect());
        })?;
        entry.operation = Some(route.operation());
        entry.prefix = Some(route.prefix.to_owned());
        if parts.method != Method::POST {
            return Err(Refusal::Method);
        }
        let body = body::read(body, self.limits.request_seconds).await?;
        let signer = signer(prefix, &parts, &body).inspect_err(|_| {
            entry.claimed_access_key_id = Claim::read(&parts).ok().map(|claim| claim.access_key);
        });
        entry.access_key_id = Some(signer?);
        if prefix.pace.as_ref().is_some_and(|pace| pace.check().is_err()) {
            let why = "more requests a second than this path prefix is allowed";
            return Err(ErrorName::ThrottlingException.because(why).into());
        }
        match route.target {
            Target::Health => {
                parse::<PlainRequest>(&body, route.operation(), entry)?;
                json(&self.health.status(&self.workers).await?)
            }
            Target::Key(id, operation) => self.use_key(prefix, id, operation, &body, entry).await,
        }
    }

    /// What is asked, in the name of which prefix. Not yet whether it may be.
    fn route<'a>(&self, parts: &'a Parts) -> Result<(Route<'a>, &Prefix), Failure> {
        let invalid = |why: &str| ErrorName::InvalidUriPathException.because(why);
        let path = parts.uri.path();
        let host = parts.headers.get(HOST).map_or(0, HeaderValue::len);
        if path.len().saturating_add(host).saturating_add("https://".len()) > URI_CHARACTERS {
            return Err(invalid("the URI has more than 256 characters"));
        }
        if parts.uri.query().is_some() {
            return Err(invalid("the API has no query parameters"));
        }
        let route = Route::of(path).ok_or_else(|| invalid("there is no such path in the API"))?;
        let prefix =
            self.prefixes.get(route.prefix).ok_or_else(|| invalid("there is no such path prefix"))?;
        match route.target {
            Target::Key(id, _) if !is_key_id(id) => {
                Err(invalid("an external key id has 1 to 128 letters, digits, '-', '.' and '_'"))
            }
            _ => Ok((route, prefix)),
        }
    }

    async fn use_key(
        &self,
        prefix: &Prefix,
        id: &str,
        operation: Operation,
        body: &[u8],
        entry: &mut Entry,
    ) -> Result<Json, Refusal> {
        entry.key = Some(id.to_owned());
        match operation {
            Operation::Encrypt => {
                let request = parse(body, operation, entry)?;
                let key = authorized(prefix, id, entry)?;
                let (response, version) = self.encrypt(key, request).await?;
                entry.key_version = Some(version);
                json(&response)
            }
            Operation::Decrypt => {
                let request = parse(body, operation, entry)?;
                let key = authorized(prefix, id, entry)?;
                let (response, version) = self.decrypt(key, request).await?;
                entry.key_version = Some(version);
                json(&response)
            }
            Operation::GetKeyMetadata | Operation::GetHealthStatus => {
                parse::<PlainRequest>(body, operation, entry)?;
                json(&self.metadata(authorized(prefix, id, entry)?).await?)
            }
        }
    }
}

/// The access key that signed the request, one of the prefix's.
fn signer(prefix: &Prefix, parts: &Parts, body: &[u8]) -> Result<String, Failure> {
    const EXPECTED: Expected = Expected { services: &[SERVICE] };
    let skew = Duration::from_secs(CLOCK_SKEW_SECONDS);
    let credentials = prefix.credentials.current();
    let known = |id: &str| credentials.get(id).cloned();
    match sigv4::verify(parts, body, &EXPECTED, SystemTime::now(), skew, known) {
        Ok(verified) => Ok(verified.access_key),
        Err(refused) => Err(ErrorName::AuthenticationFailedException.because(refused.to_string())),
    }
}

/// The key, if it is there and the policy lets the request use it.
fn authorized<'a>(prefix: &'a Prefix, id: &str, entry: &mut Entry) -> Result<&'a Key, Failure> {
    let key = prefix.keys.get(id);
    let key =
        key.ok_or_else(|| ErrorName::KeyNotFoundException.because(format!("there is no external key {id}")))?;
    let unknown = RequestMetadata::default();
    match prefix.policy.decide(id, entry.request.as_ref().unwrap_or(&unknown)) {
        Ok(rule) => {
            entry.rule = Some(rule.to_owned());
            Ok(key)
        }
        Err(rule) => {
            entry.rule = rule.map(str::to_owned);
            let why =
                rule.map_or("no rule allows it".to_owned(), |rule| format!("the rule {rule:?} denies it"));
            Err(ErrorName::AccessDeniedException.because(why))
        }
    }
}

/// Reads a body. What was wrong is told without any of what it says: that may be plaintext.
fn parse<T: Asked + DeserializeOwned>(
    body: &[u8],
    operation: Operation,
    entry: &mut Entry,
) -> Result<T, Failure> {
    let request: T = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => {
            // For the log, as much of it as is right.
            entry.request =
                serde_json::from_slice::<PlainRequest>(body).ok().map(|body| body.request_metadata);
            return Err(ErrorName::ValidationException.because(explain(&error)));
        }
    };
    entry.request = Some(request.metadata().clone());
    request.check(operation)?;
    Ok(request)
}

fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("missing field ").and_then(|rest| rest.split('`').nth(1)) {
        Some(field) => format!("{field} is missing"),
        None if error.is_data() => {
            format!(
                "a field is of a wrong type, or not Base64, before line {} column {}",
                error.line(),
                error.column()
            )
        }
        None => format!("not JSON at line {} column {}", error.line(), error.column()),
    }
}

fn json(response: &impl Serialize) -> Result<Json, Refusal> {
    let written = serde_json::to_vec(response).map(Zeroizing::new);
    written.map_err(|_| ErrorName::InternalException.because("the answer can't be written").into())
}

fn refuse(failure: &Failure) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(failure.name.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, serde_json::to_vec(&ErrorBody::from(failure)).unwrap_or_default().into())
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
