//! A port beside the API, for load balancers and for monitoring: `/healthz` and `/metrics` over plain HTTP.

use super::Proxy;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once, and how long one may last.
const CONNECTIONS: usize = 64;
const WHOLE: Duration = Duration::from_secs(15);

/// Between two tries, when the machine has no more files or memory for a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let proxy = proxy.clone();
                open.spawn(async move {
                    let _place = place;
                    // Whoever is slow gets nothing; that is no event.
                    let _ = tokio::time::timeout(WHOLE, converse(stream, &proxy)).await;
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, proxy: &Proxy) {
    let mut http = http1::Builder::new();
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(WHOLE);
    let answer =
        service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(page(&request, proxy).await));
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!("a request of the probe failed: {error}");
    }
}

async fn page(request: &Request<Incoming>, proxy: &Proxy) -> Response<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "pages are read with GET\n".to_owned());
    }
    match request.uri().path() {
        "/healthz" => match proxy.health.status(&proxy.workers).await {
            Ok(_) => text(StatusCode::OK, "ok\n".to_owned()),
            Err(failure) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{failure}\n")),
        },
        "/metrics" => match proxy.metrics.page() {
            Ok(page) => {
                let mut response = text(StatusCode::OK, page);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                response
            }
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the page can't be written\n".to_owned()),
        },
        _ => text(StatusCode::NOT_FOUND, "there are /healthz and /metrics\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
