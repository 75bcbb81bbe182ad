//! Connections to be received: so many at once, and none can keep the others out.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

/// How long to wait after a connection could not be accepted: most often there are too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
pub(crate) trait Door: Send + Sync {
    /// A connection.
    type Visitor: Send + 'static;

    /// Waits for the next.
    fn next(&self) -> impl Future<Output = io::Result<Self::Visitor>> + Send;
}

impl Door for TcpListener {
    type Visitor = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        Ok(self.accept().await?.0)
    }
}

impl Door for UnixListener {
    type Visitor = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        Ok(self.accept().await?.0)
    }
}

/// Connections that have yet to show who they are: so many at once, and one more takes the place of the one that has been there longest. So
/// those who say nothing keep nobody out.
pub(crate) struct Greetings<T> {
    most: usize,
    greetings: JoinSet<Option<T>>,
    by_age: VecDeque<AbortHandle>,
}

impl<T: Send + 'static> Greetings<T> {
    /// Of `most` at once.
    pub fn new(most: usize) -> Greetings<T> {
        Greetings { most, greetings: JoinSet::new(), by_age: VecDeque::new() }
    }

    /// Begins one; `None`: it ends without anything more to do.
    pub fn begin(&mut self, greeting: impl Future<Output = Option<T>> + Send + 'static) {
        self.by_age.retain(|greeting| !greeting.is_finished());
        if self.by_age.len() >= self.most
            && let Some(longest) = self.by_age.pop_front()
        {
            longest.abort();
        }
        self.by_age.push_back(self.greetings.spawn(greeting));
    }

    /// Waits for the next that has shown who it is.
    pub async fn next(&mut self) -> T {
        loop {
            match self.greetings.join_next().await {
                Some(Ok(Some(greeted))) => return greeted,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

/// Attends to visitors until it is dropped, which sends them all away. One more than `most` takes the place of the one that has been there
/// longest: an answer takes moments, so that one has most likely asked nothing.
pub(crate) async fn receive<D: Door, F>(door: D, most: usize, attend: impl Fn(D::Visitor) -> F + Send)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut visits = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            visitor = door.next() => match visitor {
                Ok(visitor) => {
                    by_age.retain(|visit| !visit.is_finished());
                    if by_age.len() >= most && let Some(longest) = by_age.pop_front() {
                        longest.abort();
                    }
                    by_age.push_back(visits.spawn(attend(visitor)));
                }
                Err(error) => {
                    tracing::error!("no local connection can be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = visits.join_next() => {}
        }
    }
}
