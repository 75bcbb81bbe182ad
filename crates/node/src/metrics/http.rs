//! The port itself: two pages over HTTP/1.1, one request a connection.

use super::counters::Counters;
use super::page;
use crate::admin::{Administration, NodeReport};
use crate::visitors;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Connections at once.
const CONNECTIONS: usize = 64;

/// For the head of a request.
const HEAD: Duration = Duration::from_secs(5);

/// For all of a connection.
const WHOLE: Duration = Duration::from_secs(15);

/// Bytes of a request's head, and how many headers.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;

/// Answers until it is dropped. `listener`: on an address of this machine only, for there is no TLS.
pub async fn serve(listener: TcpListener, node: Arc<impl Administration>, counters: Arc<Counters>) {
    let attend = move |stream| {
        let watched = Watched { node: node.clone(), counters: counters.clone() };
        async move {
            let _ = tokio::time::timeout(WHOLE, converse(stream, watched)).await;
        }
    };
    visitors::receive(listener, CONNECTIONS, attend).await;
}

/// What the pages are about.
struct Watched<A> {
    node: Arc<A>,
    counters: Arc<Counters>,
}

async fn converse<A: Administration>(stream: TcpStream, watched: Watched<A>) {
    let mut http = http1::Builder::new();
    http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    http.max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    let answer =
        service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(watched.answer(&request).await));
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!("a request for metrics failed: {error}");
    }
}

impl<A: Administration> Watched<A> {
    async fn answer(&self, request: &Request<Incoming>) -> Response<String> {
        let page: fn(&NodeReport, &Counters) -> Response<String> = match request.uri().path() {
            "/metrics" => metrics,
            "/healthz" => health,
            _ => return text(StatusCode::NOT_FOUND, "there are /metrics and /healthz"),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "pages are read with GET");
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        // A report reads the token's store: not for the threads that all wait on.
        let (node, counters) = (self.node.clone(), self.counters.clone());
        let written = tokio::task::spawn_blocking(move || page(&node.report(), &counters)).await;
        written.unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, "the node can't report"))
    }
}

fn metrics(node: &NodeReport, counters: &Counters) -> Response<String> {
    match page::page(node, counters) {
        Ok(page) => of_type(StatusCode::OK, page::CONTENT_TYPE, page),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the page can't be written"),
    }
}

fn health(node: &NodeReport, _: &Counters) -> Response<String> {
    match &node.not_serving {
        None => text(StatusCode::OK, "ok"),
        Some(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &reason.replace(char::is_control, " ")),
    }
}

/// One line.
fn text(status: StatusCode, line: &str) -> Response<String> {
    of_type(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

fn of_type(status: StatusCode, kind: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
