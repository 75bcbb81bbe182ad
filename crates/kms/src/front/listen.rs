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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::clock;
use super::exchange::{Answer, exchange, operation};
use super::health::Health;
use super::meter::Meter;
use crate::auth::access::Connection;
use crate::service::Service;

/// The largest body that is read: a policy of 128 KB and what JSON makes of it fit well.
const BODY: usize = 1024 * 1024;

/// How long a client may take for a TLS handshake, for a request's head, and for its body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long connections may go on after the front was told to stop.
const GOODBYE: Duration = Duration::from_secs(20);

/// Connections that may be open at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;

/// The same for those that only watch.
const WATCHERS: usize = 64;

/// Requests that may be at work at once; more wait for their turn.
const AT_WORK: usize = 256;

/// How many of them may be changing something. Changes wait for each other, uses of keys don't: they shall always find a turn.
const CHANGING: usize = 64;

/// What a listener serves.
pub struct Front {
    /// The service.
    pub service: Arc<Service>,
    /// What it counts.
    pub meter: Arc<Meter>,
    /// The server's side of TLS, if the API is served over it.
    pub tls: Option<SslAcceptor>,
    turns: Turns,
    health: Health,
}

/// The turns of requests.
struct Turns {
    all: Arc<Semaphore>,
    changes: Arc<Semaphore>,
}

impl Turns {
    fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_WORK)), changes: Arc::new(Semaphore::new(CHANGING)) }
    }

    /// Waits for a turn. A change waits for its own kind's first: until then it takes none from the others.
    async fn take(&self, changes: bool) -> Turn {
        // Neither is ever closed.
        let change = if changes { self.changes.clone().acquire_owned().await.ok() } else { None };
        Turn { _change: change, _any: self.all.clone().acquire_owned().await.ok() }
    }
}

/// A request's turn. It goes with the work, which goes on when its client leaves.
struct Turn {
    _change: Option<OwnedSemaphorePermit>,
    _any: Option<OwnedSemaphorePermit>,
}

impl Front {
    /// A front of `service`.
    pub fn new(service: Arc<Service>, meter: Arc<Meter>, tls: Option<SslAcceptor>) -> Self {
        Self { service, meter, tls, turns: Turns::new(), health: Health::default() }
    }

    /// Whether the default key store answers.
    async fn health(&self) -> Response<Full<Bytes>> {
        let service = self.service.clone();
        self.health
            .answer(move || service.token.with(|session| session.generate_random_vec(1)).map(drop))
            .await
    }
}

/// Serves connections until `stop` resolves; requests under way are finished.
pub async fn serve(listener: TcpListener, front: Arc<Front>, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let ((stream, peer), place) = tokio::select! {
            accepted = accept(&listener, &room) => match accepted {
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
        let welcomed = welcome(front.clone(), stream, peer, graceful.watcher());
        tokio::spawn(async move {
            welcomed.await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(GOODBYE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// The next connection, when there is a place for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<((TcpStream, SocketAddr), Option<OwnedSemaphorePermit>)> {
    // Never closed.
    let place = room.clone().acquire_owned().await.ok();
    Ok((listener.accept().await?, place))
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
        (&Method::GET, "/healthz") => return Ok(front.health().await),
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
    let changes = moves_clock || operation(&parts).is_ok_and(|operation| !operation.read_only);
    let turn = front.turns.take(changes).await;
    let (meter, begun) = (front.meter.clone(), Instant::now());
    let work = front.clone();
    if moves_clock {
        let moved = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            clock::advance(&work.service, &body)
        });
        return Ok(moved.await.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)));
    }
    let answered = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        exchange(&work.service, &connection, &parts, &body)
    })
    .await;
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
    let room = Arc::new(Semaphore::new(WATCHERS));
    loop {
        let Ok(((stream, _), place)) = accept(&listener, &room).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let front = front.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let front = &front;
                async move {
                    Ok::<_, Infallible>(match request.uri().path() {
                        "/healthz" => front.health().await,
                        "/metrics" => front.meter.page(),
                        _ => status(StatusCode::NOT_FOUND),
                    })
                }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // Whoever asks and leaves early misses only an answer.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    /// What the future has to say now, without waiting.
    fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn changes_that_wait_for_each_other_leave_turns_to_the_uses_of_keys() {
        let turns = Turns::new();
        let changing: Vec<_> = (0..CHANGING).map(|_| at_once(turns.take(true)).unwrap()).collect();
        assert!(at_once(turns.take(true)).is_none());
        let using: Vec<_> = (CHANGING..AT_WORK).map(|_| at_once(turns.take(false)).unwrap()).collect();
        assert!(at_once(turns.take(false)).is_none());
        drop(using);
        assert!(at_once(turns.take(true)).is_none() && at_once(turns.take(false)).is_some());
        drop(changing);
        assert!(at_once(turns.take(true)).is_some());
    }

    #[tokio::test]
    async fn a_connection_too_many_is_accepted_when_another_has_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, room) = (listener.local_addr().unwrap(), Arc::new(Semaphore::new(1)));
        let clients =
            [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (first, place) = accept(&listener, &room).await.unwrap();
        assert!(at_once(accept(&listener, &room)).is_none());
        drop((first, place));
        accept(&listener, &room).await.unwrap();
        drop(clients);
    }
}
