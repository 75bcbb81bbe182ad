//! Connections that send requests, one after the other each, and time the answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

/// What one measurement saw.
pub struct Seen {
    /// Answers a second, of all connections.
    pub rate: f64,
    /// Microseconds from request to answer: the middle one.
    pub median: f64,
    /// That 99 of 100 were no longer than.
    pub p99: f64,
}

/// Sends `requests` in turn over so many connections for that long. An answer that isn't 200 ends it: what refuses quickly is not fast.
pub async fn run(
    address: SocketAddr,
    requests: &[Request<Full<Bytes>>],
    connections: usize,
    seconds: f64,
) -> Result<Seen> {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let begun = Instant::now();
    let senders = (0..connections).map(|at| send(address, requests, at, end));
    let mut times = Vec::new();
    for seen in futures_util::future::join_all(senders).await {
        times.extend(seen?);
    }
    let took = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    Ok(Seen { rate: times.len() as f64 / took, median: part(&times, 0.5), p99: part(&times, 0.99) })
}

fn part(times: &[Duration], part: f64) -> f64 {
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

async fn send(
    address: SocketAddr,
    requests: &[Request<Full<Bytes>>],
    first: usize,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut sender = connect(address).await?;
    let mut times = Vec::new();
    for request in requests.iter().cycle().skip(first) {
        let begun = Instant::now();
        if begun >= end {
            break;
        }
        // Some servers close the connection after each answer; then to connect is part of asking them.
        if sender.ready().await.is_err() {
            sender = connect(address).await?;
        }
        let answer = sender.send_request(request.clone()).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != 200 {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(sender)
}
