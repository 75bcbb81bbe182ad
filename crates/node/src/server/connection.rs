//! One client: messages in turn, each within its time and size.

use super::Limits;
use super::listen::Accepted;
use super::recent::Sent;
use super::service::Service;
use super::tls;
use crate::metrics::Counters;
use crate::metrics::counters::Dropped;
use crate::seldom::Seldom;
use cloister::proto::frame;
use cloister::proto::message::{Answer, Request};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

/// What a unit of memory is: messages that fit into one wait for nobody.
const UNIT: usize = 64 << 10;

/// The limits, and what is left of them.
pub(super) struct Limited {
    limits: Limits,
    places: Arc<Semaphore>,
    memory: Semaphore,
    counters: Arc<Counters>,
    /// Handshakes that failed, for the log.
    refused: Seldom,
}

impl Limited {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Limited {
        Limited {
            counters,
            refused: Seldom::default(),
            places: Arc::new(Semaphore::new(limits.connections)),
            // Room for at least one message of any size.
            memory: Semaphore::new(limits.memory.max(frame::LIMIT) / UNIT + 1),
            limits,
        }
    }

    /// A place for a connection, if there is one.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    async fn room_for(&self, message: usize) -> io::Result<SemaphorePermit<'_>> {
        let units = u32::try_from(message / UNIT).unwrap_or(u32::MAX);
        self.memory.acquire_many(units).await.map_err(|_| ErrorKind::OutOfMemory.into())
    }

    /// Tells how a connection ended, before it is closed. Clients leave when they like.
    fn ended(&self, ended: io::Result<()>) {
        let Err(error) = ended else { return };
        let why = match error.kind() {
            ErrorKind::UnexpectedEof => return,
            ErrorKind::TimedOut => Dropped::Slow,
            ErrorKind::InvalidData => Dropped::Malformed,
            _ => Dropped::Failed,
        };
        self.counters.dropped(why);
        tracing::debug!("a connection was closed: {error}");
    }
}

/// A client, as it has shown by its certificate or by opening the socket.
pub(super) trait Client: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Client for S {}

/// Finds out whether a client has come.
pub(super) async fn greet(stream: Accepted, limited: Arc<Limited>) -> Option<Box<dyn Client>> {
    match stream {
        Accepted::Unix(stream) => Some(Box::new(stream)),
        Accepted::Tls(stream, context) => {
            let address = stream.peer_addr().ok();
            match within(limited.limits.handshake, tls::accept(stream, &context)).await {
                Ok(stream) => Some(Box::new(stream)),
                Err(error) => {
                    if tls::is_refusal(&error)
                        && let Some(left_out) = limited.refused.due()
                    {
                        let address = address.map_or("?".to_owned(), |address| address.to_string());
                        tracing::warn!(
                            address,
                            left_out,
                            "a connection to the client socket is refused: {error}"
                        );
                    }
                    limited.ended(Err(error));
                    None
                }
            }
        }
    }
}

/// Serves one client until it ends, one way or another.
pub(super) async fn attend(mut client: Box<dyn Client>, service: Arc<Service>, limited: Arc<Limited>) {
    let answer = |message| {
        let service = service.clone();
        async move { service.answer(message, false).await }
    };
    limited.ended(converse(&mut client, answer, &limited).await);
}

/// Message and answer in turn, until the client leaves, misbehaves or asks nothing for long.
async fn converse<S, F>(
    stream: &mut S,
    answer: impl Fn(Zeroizing<Vec<u8>>) -> F,
    limited: &Limited,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Option<Sent>>,
{
    let mut header = [0; frame::HEADER];
    within(limited.limits.handshake, stream.read_exact(&mut header)).await?;
    loop {
        let length = frame::length(header).ok_or(ErrorKind::InvalidData)?;
        let _room = within(limited.limits.message, limited.room_for(length)).await?;
        let mut message = Zeroizing::new(vec![0; length]);
        within(limited.limits.message, stream.read_exact(&mut message)).await?;
        limited.counters.received(header.len() + length);
        // Whoever pings wants to know whether the node is there, not whether a worker is free.
        let said = match Request::is_ping(&message) {
            true => Arc::new(Answer::pong().encode()),
            false => answer(message).await.ok_or(ErrorKind::InvalidData)?,
        };
        within(limited.limits.message, send(stream, &said)).await?;
        limited.counters.sent(header.len() + said.len());
        match within(limited.limits.idle, stream.read_exact(&mut header)).await {
            Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(()),
            next => next?,
        };
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), answer: &[u8]) -> io::Result<()> {
    let header = frame::header(answer).map_err(|_| ErrorKind::InvalidData)?;
    // In one piece where that costs nothing: two small packets take a round trip more.
    if answer.len() <= UNIT {
        let mut whole = Zeroizing::new(Vec::with_capacity(header.len() + answer.len()));
        whole.extend_from_slice(&header);
        whole.extend_from_slice(answer);
        stream.write_all(&whole).await?;
    } else {
        stream.write_all(&header).await?;
        stream.write_all(answer).await?;
    }
    stream.flush().await
}

async fn within<T>(limit: Duration, what: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, what).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ping_is_answered_while_nothing_else_is() {
        let limited = Limited::new(Limits::default(), Arc::default());
        let (mut client, mut stream) = tokio::io::duplex(1024);
        let never = |_| std::future::pending();
        let node = tokio::spawn(async move { converse(&mut stream, never, &limited).await });

        let ping = Request::ping().unwrap();
        client.write_all(&frame::header(&ping).unwrap()).await.unwrap();
        client.write_all(&ping).await.unwrap();
        let expected = Answer::pong().encode();
        let mut answer = vec![0; frame::HEADER + expected.len()];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[frame::HEADER..], **expected);
        drop(client);
        assert!(node.await.unwrap().is_err(), "the end of the connection");
    }
}
