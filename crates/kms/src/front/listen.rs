//! The listener: accepts, speaks TLS if it is to, reads requests whole, runs each on a thread that may block.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use openssl::ssl::{Ssl, SslAcceptor};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::clock;
use super::exchange::{Answer, exchange};
use super::meter::Meter;
use crate::auth::access::Connection;
use crate::service::Service;

/// The largest body that is read: a policy of 128 KB and what JSON makes of it fit well.
const BODY: usize = 1024 * 1024;

/// How long a client may take for a TLS handshake, for a request's head, and for its body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long connections may go on after the front was told to stop.
const GOODBYE: Duration = Duration::from_secs(20);

/// Requests that may be at work at once; more wait for their turn.
const AT_WORK: usize = 256;

/// What a listener serves.
pub struct Front {
    /// The service.
    pub service: Arc<Service>,
    /// What it counts.
    pub meter: Arc<Meter>,
    /// The server's side of TLS, if the API is served over it.
    pub tls: Option<SslAcceptor>,
    turns: Semaphore,
}

impl Front {
    /// A front of `service`.
    pub fn new(service: Arc<Service>, meter: Arc<Meter>, tls: Option<SslAcceptor>) -> Self {
        Self { service, meter, tls, turns: Semaphore::new(AT_WORK) }
    }
}

/// Serves connections until `stop` resolves; requests under way are finished.
pub async fn serve(listener: TcpListener, front: Arc<Front>, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of file descriptors, most likely: those that are served will free some.
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // A small answer shall not wait for the next packet.
        let _ = stream.set_nodelay(true);
        tokio::spawn(welcome(front.clone(), stream, peer, graceful.watcher()));
    }
    drop(listener);
    if timeout(GOODBYE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

async fn welcome(
    front: Arc<Front>,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: hyper_util::server::graceful::Watcher,
) {
    match &front.tls {
        None => converse(front.clone(), stream, peer, watcher).await,
        Some(acceptor) => match shake_hands(acceptor, stream).await {
            Ok(stream) => converse(front.clone(), stream, peer, watcher).await,
            Err(error) => tracing::debug!(%peer, error, "a TLS handshake failed"),
        },
    }
}

async fn shake_hands(acceptor: &SslAcceptor, stream: TcpStream) -> Result<SslStream<TcpStream>, String> {
    let ssl = Ssl::new(acceptor.context()).map_err(|e| e.to_string())?;
    let mut stream = SslStream::new(ssl, stream).map_err(|e| e.to_string())?;
    timeout(PATIENCE, Pin::new(&mut stream).accept())
        .await
        .map_err(|_| "too slow".to_owned())?
        .map_err(|e| e.to_string())?;
    Ok(stream)
}

async fn converse(
    front: Arc<Front>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let connection = Connection {
        source: Some(peer.ip()),
        tls: front.tls.is_some(),
        default_region: front.service.settings.default_region().to_owned(),
    };
    let _open = front.meter.connected();
    let service = service_fn(move |request| handle(front.clone(), connection.clone(), request));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await {
        tracing::debug!(%peer, %error, "a connection ended badly");
    }
}

async fn handle(
    front: Arc<Front>,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => return Ok(super::meter::health(&front.service).await),
        (&Method::GET, "/metrics") if connection.source.is_some_and(|ip| ip.is_loopback()) => {
            return Ok(front.meter.page());
        }
        _ => {}
    }
    let moves_clock = request.method() == Method::POST && request.uri().path() == clock::PATH;
    let (parts, body) = request.into_parts();
    let body = match timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Ok(status(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(_) => return Ok(status(StatusCode::REQUEST_TIMEOUT)),
    };
    // Never closed: see Front.
    let _turn = front.turns.acquire().await;
    let (meter, begun) = (front.meter.clone(), Instant::now());
    let work = front.clone();
    if moves_clock {
        let moved = tokio::task::spawn_blocking(move || clock::advance(&work.service, &body)).await;
        return Ok(moved.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)));
    }
    let answered =
        tokio::task::spawn_blocking(move || exchange(&work.service, &connection, &parts, &body)).await;
    Ok(match answered {
        Ok(answer) => {
            meter.answered(&answer, begun.elapsed());
            respond(answer)
        }
        Err(error) => {
            tracing::error!(%error, "a request ended in a panic");
            status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    })
}

/// Serves `/healthz` and `/metrics`, and nothing else, to whoever reaches `listener`.
pub async fn watch(listener: TcpListener, front: Arc<Front>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let front = front.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let front = &front;
                async move {
                    Ok::<_, Infallible>(match request.uri().path() {
                        "/healthz" => super::meter::health(&front.service).await,
                        "/metrics" => front.meter.page(),
                        _ => status(StatusCode::NOT_FOUND),
                    })
                }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // Whoever asks and leaves early misses only an answer.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(id) = HeaderValue::from_str(&answer.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(error) = answer.error {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    response
}

/// An answer without words.
pub fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
