//! The node's end of `admin.sock`.

use super::message::{Answer, Request};
use super::{Administration, SOCKET, frame};
use crate::server::listen;
use crate::visitors;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// Connections at once.
const CONNECTIONS: usize = 32;

/// For a request to come, and for an answer to go.
const MESSAGE: Duration = Duration::from_secs(10);

/// For what a request takes; the client waits a little longer.
pub(super) const WORK: Duration = Duration::from_secs(60);

/// The socket in a node's data folder, for its owner only. One that a node which has died left behind is replaced; one that is answered is
/// `AddrInUse`: another process runs the node.
pub fn listen(folder: &Path) -> io::Result<UnixListener> {
    listen::unix(&folder.join(SOCKET), 0o600)
}

/// Answers until it is dropped.
pub async fn serve(listener: UnixListener, node: Arc<impl Administration>) {
    let attend = move |stream| {
        let node = node.clone();
        async move {
            if let Err(error) = converse(stream, &*node).await
                && error.kind() != ErrorKind::UnexpectedEof
            {
                tracing::debug!("an administration connection was closed: {error}");
            }
        }
    };
    visitors::receive(listener, CONNECTIONS, attend).await;
}

/// Requests and answers in turn. What is no request is told so, and ends the connection: who knows where the next one begins.
async fn converse(mut stream: UnixStream, node: &impl Administration) -> io::Result<()> {
    loop {
        let request = timeout(MESSAGE, read(&mut stream)).await?;
        match request {
            Ok(request) => send(&mut stream, &answer(request, node).await).await?,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return send(&mut stream, &Answer::Refused(format!("no request: {error}"))).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Request> {
    let mut header = [0; frame::HEADER];
    stream.read_exact(&mut header).await?;
    let mut message = vec![0; frame::length(header)?];
    stream.read_exact(&mut message).await?;
    // Also JSON that ends too soon is bad data here: the frame was whole.
    serde_json::from_slice(&message).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

async fn send(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    timeout(MESSAGE, stream.write_all(&frame::framed(answer)?)).await?
}

async fn answer(request: Request, node: &impl Administration) -> Answer {
    let worked = timeout(WORK, async {
        match request {
            Request::Status => Answer::Status(node.cluster().await),
            Request::Remove { id } => match node.remove(id.0).await {
                Ok(()) => Answer::Removed,
                Err(refused) => Answer::Refused(refused.0),
            },
        }
    });
    let late = || format!("not done within {} seconds: ask again", WORK.as_secs());
    worked.await.unwrap_or_else(|_| Answer::Refused(late()))
}
