//! Connections that send requests, one after the other each, and time the answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::requests::Signed;
use crate::Result;

/// How much is sent.
pub struct Load {
    /// Connections that send at once.
    pub connections: usize,
    /// For how long.
    pub seconds: f64,
    /// Requests that each connection sends at most.
    pub each: usize,
}

/// What one measurement saw. What it doesn't tell is none.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    /// Answers a second, of all connections.
    pub rate: Option<f64>,
    /// Microseconds from request to answer: the middle one.
    pub median: Option<f64>,
    /// That 99 of 100 were no longer than.
    pub p99: Option<f64>,
}

impl Load {
    /// Sends `requests` in turn over all connections. An answer that isn't 200 ends it: what refuses quickly is not fast.
    pub async fn run(&self, address: SocketAddr, requests: &[Signed]) -> Result<Seen> {
        let begun = Instant::now();
        let end = begun + Duration::from_secs_f64(self.seconds);
        // Each begins elsewhere, so that what is to differ does at any moment.
        let first = |at: usize| at.saturating_mul(requests.len()) / self.connections.max(1);
        let senders = (0..self.connections).map(|at| {
            let turn = requests.iter().cycle().skip(first(at)).take(self.each);
            send(address, turn, end)
        });
        let mut times = Vec::new();
        for seen in futures_util::future::join_all(senders).await {
            times.extend(seen?);
        }
        let took = begun.elapsed().as_secs_f64();
        times.sort_unstable();
        Ok(Seen { rate: Some(times.len() as f64 / took), median: part(&times, 0.5), p99: part(&times, 0.99) })
    }
}

fn part(times: &[Duration], part: f64) -> Option<f64> {
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).map(|time| microseconds(*time))
}

/// As the tables tell times.
pub fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

async fn send(
    address: SocketAddr,
    requests: impl Iterator<Item = &Signed>,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut sender = connect(address).await?;
    let mut times = Vec::new();
    for request in requests {
        let begun = Instant::now();
        if begun >= end {
            break;
        }
        // Some servers close the connection after each answer; then to connect is part of asking them.
        if sender.ready().await.is_err() {
            sender = connect(address).await?;
        }
        ask(&mut sender, request.clone()).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// Sends one over a connection of its own, and gives the body of the answer.
pub async fn send_one(address: SocketAddr, request: Signed) -> Result<Bytes> {
    ask(&mut connect(address).await?, request).await
}

async fn ask(sender: &mut SendRequest<Full<Bytes>>, request: Signed) -> Result<Bytes> {
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    match status.is_success() {
        true => Ok(body),
        false => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(sender)
}
