//! One connection to a node: blocking, with timeouts.

use super::patient::{Patient, Stalled};
use crate::error::Result;
use crate::proto::frame;
use crate::proto::peer::Role;
use openssl::ssl::{SslConnector, SslStream};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
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
    /// Connects to a socket on this machine. A node that takes no connections lets them queue, and in the end wait: for `timeout` at most.
    pub fn unix(path: &Path, timeout: Duration) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_write_timeout(Some(timeout))?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(Connection::Unix(UnixStream::from(OwnedFd::from(socket))))
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

    /// How long nothing may move before an exchange counts as stalled.
    pub fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Connection::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
            Connection::Tls(stream) => set_timeout(stream.get_ref(), timeout),
        }
    }

    /// Sends a message and waits for the answer, as long as `stalled` says so.
    pub fn exchange(&mut self, message: &Framed, stalled: Stalled<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
        match self {
            Connection::Unix(stream) => exchange(Patient { stream, stalled }, message),
            Connection::Tls(stream) => exchange(Patient { stream: &mut **stream, stalled }, message),
        }
    }
}

/// A message that fits into a frame, and the header of that.
pub(super) struct Framed<'a> {
    header: [u8; frame::HEADER],
    message: &'a [u8],
}

impl<'a> Framed<'a> {
    /// `DataLenRange` for a message that no frame can hold.
    pub fn new(message: &'a [u8]) -> Result<Self> {
        Ok(Framed { header: frame::header(message)?, message })
    }
}

fn exchange(mut stream: impl Read + Write, message: &Framed) -> io::Result<Zeroizing<Vec<u8>>> {
    frame::write(&mut stream, message.header, message.message)?;
    frame::read(&mut stream)
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
