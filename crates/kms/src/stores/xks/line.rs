//! The line to a proxy: pooled connections, signed requests, as a rule 250 ms a try and 500 ms in all (developer guide, "External key stores").

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_openssl::client::legacy::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::RwLock;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Failure, tls};
use crate::auth::credentials::Credential;
use crate::auth::sigv4;
use crate::service::Call;
use crate::settings::{Settings, XksEndpoint};
use crate::stores::net;
use crate::stores::record::External;
use crate::xks::protocol::messages::RequestMetadata;
use crate::xks::protocol::{BASE, ErrorBody, ErrorName, Route, SERVICE, Target};

/// Tries of one request.
const TRIES: u32 = 2;

/// The largest answer that is read: a ciphertext of 4,300 bytes, in Base64, has room many times over.
const ANSWER: usize = 64 * 1024;

/// Connections that are kept open to a proxy while nothing is asked, and for how long.
const IDLE: usize = 64;
const IDLE_FOR: Duration = Duration::from_secs(30);

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// The lines to all proxies.
pub struct Proxies {
    endpoints: Vec<XksEndpoint>,
    /// For one try, connecting included.
    patience: Duration,
    lines: RwLock<HashMap<String, Arc<Line>>>,
}

/// On whose behalf a proxy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The principal's ARN.
    pub principal: &'a str,
    /// The id of the request to KMS.
    pub request: &'a str,
    /// What was asked of KMS.
    pub operation: &'a str,
    /// The Region: the scope of the signature.
    pub region: &'a str,
}

impl<'a> Asker<'a> {
    /// The caller of KMS.
    pub fn of(call: &'a Call, operation: &'a str) -> Self {
        Self { principal: &call.caller.arn, request: call.request_id, operation, region: &call.caller.region }
    }

    /// What the proxy is told.
    pub fn metadata(&self) -> RequestMetadata {
        RequestMetadata {
            aws_principal_arn: Some(self.principal.to_owned()),
            kms_operation: self.operation.to_owned(),
            kms_request_id: self.request.to_owned(),
            ..RequestMetadata::default()
        }
    }
}

impl Proxies {
    /// With what the settings say of endpoints, and for how long a try may take.
    pub fn new(settings: &Settings) -> Self {
        let patience = Duration::from_millis(settings.xks_timeout_ms);
        Self { endpoints: settings.xks_endpoints.clone(), patience, lines: RwLock::default() }
    }

    /// The line to a store's proxy. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// `NoVpcEndpointService`; `Tls` when the settings' certificates can't be used.
    pub fn line(&self, store: &External) -> Result<Arc<Line>, Failure> {
        let endpoint =
            self.endpoints.iter().find(|endpoint| endpoint.uri.eq_ignore_ascii_case(&store.endpoint));
        if let Some(vpc) = &store.vpc
            && endpoint.and_then(|endpoint| endpoint.vpc_endpoint_service.as_ref()) != Some(&vpc.name)
        {
            return Err(Failure::NoVpcEndpointService(vpc.name.clone()));
        }
        if let Some(line) = self.lines.read().get(&store.endpoint) {
            return Ok(line.clone());
        }
        let line = Arc::new(Line::new(&store.endpoint, endpoint, self.patience)?);
        self.lines.write().insert(store.endpoint.clone(), line.clone());
        Ok(line)
    }
}

/// The connections to one endpoint.
pub struct Line {
    client: Client<Connector, Full<Bytes>>,
    /// `https://host`, or `http://host` where the settings say so.
    base: String,
    patience: Duration,
}

impl Line {
    fn new(uri: &str, endpoint: Option<&XksEndpoint>, patience: Duration) -> Result<Self, Failure> {
        let mut http = HttpConnector::new_with_resolver(Resolver {
            address: endpoint.and_then(|endpoint| endpoint.address.clone()),
        });
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = Connector::with_connector(http, tls::connector(endpoint)?)
            .map_err(|error| Failure::Tls(error.to_string()))?;
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_FOR).pool_max_idle_per_host(IDLE);
        let base = match uri.strip_prefix("https://") {
            Some(host) if endpoint.is_some_and(|endpoint| endpoint.plain) => format!("http://{host}"),
            _ => uri.to_owned(),
        };
        Ok(Self { client: builder.build(connector), base, patience })
    }

    /// Asks the store's proxy, once more if that may help, within as many times its patience.
    pub fn ask<A: DeserializeOwned>(
        &self,
        store: &External,
        target: Target,
        region: &str,
        body: &impl Serialize,
    ) -> Result<A, Failure> {
        let prefix = store.path.strip_suffix(BASE).unwrap_or(&store.path);
        let uri = format!("{}{}", self.base, Route { prefix, target });
        let body = serde_json::to_vec(body)
            .map(Zeroizing::new)
            .map_err(|error| Failure::Malformed(error.to_string()))?;
        let (begun, in_all) = (Instant::now(), self.patience.saturating_mul(TRIES));
        let mut failure = Failure::TimedOut;
        for _ in 0..TRIES {
            let left = in_all.saturating_sub(begun.elapsed()).min(self.patience);
            if left.is_zero() {
                break;
            }
            let request = signed(store, &uri, region, &body)?;
            match net::wait(tokio_timeout(left, self.exchange(request))) {
                Some(Ok(answer)) => return read(&answer?),
                Some(Err(failed)) => failure = failed,
                None => return Err(Failure::Unreachable("this machine has no thread for it".to_owned())),
            }
        }
        Err(failure)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let response = self.client.request(request).await.map_err(|error| of_connection(&error))?;
        let well = response.status().is_success();
        let body = Limited::new(response.into_body(), ANSWER).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Failure::Malformed("it is too long".to_owned())
            } else {
                Failure::Unreachable(error.to_string())
            }
        })?;
        Ok(Answer { well, body: Zeroizing::new(body.to_bytes().to_vec()) })
    }
}

/// What came back.
struct Answer {
    well: bool,
    body: Zeroizing<Vec<u8>>,
}

/// Ends a try that takes too long. What was refused is an answer; what may be tried again is an error.
async fn tokio_timeout(
    limit: Duration,
    work: impl Future<Output = Result<Answer, Failure>>,
) -> Result<Result<Answer, Failure>, Failure> {
    match tokio::time::timeout(limit, work).await {
        Err(_) => Err(Failure::TimedOut),
        Ok(Err(failure)) if failure.is_passing() => Err(failure),
        Ok(answer) => Ok(answer),
    }
}

fn signed(store: &External, uri: &str, region: &str, body: &[u8]) -> Result<Request<Full<Bytes>>, Failure> {
    let malformed = |what: &dyn std::fmt::Display| Failure::Unreachable(what.to_string());
    let mut request = Request::new(body.to_vec());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.parse::<Uri>().map_err(|error| malformed(&error))?;
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    let credential = Credential {
        access_key: store.access_key.clone(),
        secret: store.secret.clone(),
        session_token: None,
        principal_arn: String::new(),
        account: String::new(),
        via_service: None,
        expires: None,
    };
    sigv4::sign(&mut request, &credential, region, SERVICE, SystemTime::now())
        .map_err(|fault| malformed(&fault))?;
    Ok(request.map(|body| Full::new(Bytes::from(body))))
}

fn read<A: DeserializeOwned>(answer: &Answer) -> Result<A, Failure> {
    // The text of a parse error may quote the answer, which may be plaintext.
    if answer.well {
        return serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::Malformed("it isn't what the specification says".to_owned()));
    }
    let refusal: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
    match refusal.and_then(|refusal| ErrorName::of(&refusal.error_name)) {
        Some(name) => Err(Failure::Refused(name)),
        None => Err(Failure::Malformed("it names no error of the specification".to_owned())),
    }
}

/// Tells a failed handshake from a connection that can't be made or broke.
fn of_connection(error: &hyper_util::client::legacy::Error) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(error) = cause {
        if error.is::<openssl::ssl::Error>() || error.is::<openssl::error::ErrorStack>() {
            return Failure::Tls(error.to_string());
        }
        last = error.to_string();
        cause = error.source();
    }
    Failure::Unreachable(last)
}

/// Finds a proxy: by the address that the settings have for it, or by DNS.
#[derive(Clone)]
struct Resolver {
    address: Option<String>,
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let address = self.address.clone();
        Box::pin(async move {
            // Port 0 is taken for that of the scheme.
            let found: Vec<SocketAddr> = match address {
                Some(address) => tokio::net::lookup_host(address).await?.collect(),
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            Ok(found.into_iter())
        })
    }
}
