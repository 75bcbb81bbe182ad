//! The socket itself: a Unix socket, or TLS over TCP.

use openssl::ssl::SslContext;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Where clients connect.
pub enum Listener {
    /// A Unix socket: who may open the file may ask.
    Unix(UnixListener),
    /// TLS over TCP: who has a client's certificate may ask.
    Tls(TcpListener, SslContext),
}

/// A connection just accepted.
pub(super) enum Accepted {
    Unix(UnixStream),
    Tls(TcpStream, SslContext),
}

impl Listener {
    /// A Unix socket at `path` with these permissions. One that a node which has died left behind is replaced; one that is answered is
    /// `AddrInUse`.
    pub fn unix(path: &Path, mode: u32) -> io::Result<Listener> {
        unix(path, mode).map(Listener::Unix)
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
            Listener::Tls(listener, context) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tls(stream, context.clone()))
            }
        }
    }
}

/// What [`Listener::unix`] is, without the choice.
pub(crate) fn unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ErrorKind::AddrInUse.into());
    }
    // Under another name until its permissions are right.
    let beside = beside(path);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(mode))?;
    std::fs::rename(&beside, path)?;
    Ok(listener)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
