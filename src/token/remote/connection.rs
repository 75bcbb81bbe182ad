//! One connection to a node: blocking, with timeouts.

use crate::proto::frame;
use crate::proto::peer::Role;
use openssl::ssl::{SslConnector, SslStream};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// A connection. Dropped, it is closed without a word: after a fork there must be none.
pub(super) enum Connection {
    Unix(UnixStream),
    Tls(Box<SslStream<TcpStream>>),
}

impl Connection {
    pub fn unix(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).map(Connection::Unix)
    }

    /// Connects to any of the host's addresses. A peer whose certificate is not a node's is refused; host names are in none.
    pub fn tls(connector: &SslConnector, host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let mut failed = io::Error::from(ErrorKind::NotFound);
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => return shake_hands(connector, host, stream, timeout),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// How long each step of an exchange may take.
    pub fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Connection::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
            Connection::Tls(stream) => set_timeout(stream.get_ref(), timeout),
        }
    }

    /// Sends a message and waits for the answer.
    pub fn exchange(
        &mut self,
        header: [u8; frame::HEADER],
        message: &[u8],
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        match self {
            Connection::Unix(stream) => exchange(stream, header, message),
            Connection::Tls(stream) => exchange(&mut **stream, header, message),
        }
    }
}

fn exchange(
    stream: &mut (impl Read + Write),
    header: [u8; frame::HEADER],
    message: &[u8],
) -> io::Result<Zeroizing<Vec<u8>>> {
    frame::write(stream, header, message)?;
    frame::read(stream)
}

fn shake_hands(
    connector: &SslConnector,
    host: &str,
    stream: TcpStream,
    timeout: Duration,
) -> io::Result<Connection> {
    set_timeout(&stream, timeout)?;
    stream.set_nodelay(true)?;
    let connector = connector.configure()?.verify_hostname(false);
    let stream = connector.connect(host, stream).map_err(|error| io::Error::other(error.to_string()))?;
    let peer = stream.ssl().peer_certificate().and_then(|certificate| Role::of(&certificate));
    match peer.is_some_and(|role| role.is_node()) {
        true => Ok(Connection::Tls(Box::new(stream))),
        false => Err(io::Error::new(ErrorKind::PermissionDenied, "its certificate is not a node's")),
    }
}

fn set_timeout(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))
}
