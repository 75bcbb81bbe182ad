//! The port of the API: connections, HTTP/1.1 on them, and the end of both.

use super::{Proxy, tls};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a request's head, and how many headers.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;

/// What requests that are being answered get when the proxy stops.
const GRACE: Duration = Duration::from_secs(2);

/// Between two tries, when the machine has no more files or memory for a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers on `listener` until `stop` ends; then what has begun is ended.
pub async fn serve(listener: TcpListener, proxy: Arc<Proxy>, stop: impl Future<Output = ()>) {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(proxy.limits.connections));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, source, place)) => {
                let (proxy, watcher) = (proxy.clone(), open.watcher());
                tokio::spawn(async move {
                    proxy.metrics.connections.inc();
                    attend(stream, source, &proxy, watcher).await;
                    proxy.metrics.connections.dec();
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("no connection could be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, open.shutdown()).await.is_err() {
        tracing::warn!("some connections were busy to the last");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, source) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, source, place))
}

async fn attend(stream: TcpStream, source: SocketAddr, proxy: &Arc<Proxy>, watcher: Watcher) {
    let Some(context) = &proxy.tls else { return converse(stream, source, proxy, watcher).await };
    let limit = Duration::from_secs(proxy.limits.request_seconds);
    match tokio::time::timeout(limit, tls::accept(stream, context)).await {
        Ok(Ok(stream)) => converse(stream, source, proxy, watcher).await,
        Ok(Err(error)) => tracing::warn!("{source}: no TLS: {error}"),
        Err(_) => tracing::warn!("{source}: no TLS: the handshake took too long"),
    }
}

async fn converse<S>(stream: S, source: SocketAddr, proxy: &Arc<Proxy>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(proxy.limits.idle_seconds));
    http.max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    let answer = service_fn(|request| {
        let proxy = proxy.clone();
        async move { Ok::<_, Infallible>(proxy.answer(request, source).await) }
    });
    if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), answer)).await {
        tracing::debug!("{source}: {error}");
    }
}
