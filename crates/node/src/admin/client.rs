//! The command line's end of `admin.sock`: blocking, one request after the other.

use super::message::{Answer, Request};
use super::report::{ClusterReport, Id};
use super::server::WORK;
use super::{SOCKET, frame};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For an answer: as long as the node takes at most, and a little more.
const PATIENCE: Duration = WORK.saturating_add(Duration::from_secs(10));

/// Why a node did not do what it was asked.
#[derive(Debug)]
pub enum AdminError {
    /// There is no such folder.
    NoFolder(PathBuf),
    /// Nobody answers in this data folder.
    NotRunning(PathBuf),
    /// The socket in this data folder is somebody else's.
    NotAllowed(PathBuf),
    /// The node said no, and why.
    Refused(String),
    /// The conversation failed.
    Failed(io::Error),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::NoFolder(folder) => {
                write!(f, "there is no folder {}: --data names a node's data folder", folder.display())
            }
            AdminError::NotRunning(folder) => {
                let folder = folder.display();
                write!(
                    f,
                    "the node of {folder} is not running: start it with `cloister node run --data {folder}`"
                )
            }
            AdminError::NotAllowed(folder) => {
                let socket = folder.join(SOCKET);
                write!(f, "{} is not for you: run this as the user who runs the node", socket.display())
            }
            AdminError::Refused(reason) => f.write_str(reason),
            AdminError::Failed(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    f.write_str("the node does not answer: look into its log")
                }
                ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                    f.write_str("the node went away before it answered: ask again, and look into its log")
                }
                _ => write!(f, "the node can't be asked: {error}"),
            },
        }
    }
}

impl std::error::Error for AdminError {}

impl From<io::Error> for AdminError {
    fn from(error: io::Error) -> AdminError {
        AdminError::Failed(error)
    }
}

/// A connection to a node on this machine.
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the node with this data folder.
    pub fn connect(folder: &Path) -> Result<Client, AdminError> {
        let stream = UnixStream::connect(folder.join(SOCKET)).map_err(|error| match error.kind() {
            ErrorKind::NotFound if !folder.exists() => AdminError::NoFolder(folder.to_owned()),
            // A node that was killed leaves its socket behind, and nobody listens.
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => AdminError::NotRunning(folder.to_owned()),
            ErrorKind::NotADirectory => AdminError::NoFolder(folder.to_owned()),
            ErrorKind::PermissionDenied => AdminError::NotAllowed(folder.to_owned()),
            _ => AdminError::Failed(error),
        })?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream })
    }

    /// What the node knows of its cluster.
    pub fn status(&mut self) -> Result<ClusterReport, AdminError> {
        match self.ask(&Request::Status)? {
            Answer::Status(report) => Ok(report),
            other => Err(unexpected(other)),
        }
    }

    /// Has a member removed.
    pub fn remove(&mut self, id: Id) -> Result<(), AdminError> {
        match self.ask(&Request::Remove { id })? {
            Answer::Removed => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, AdminError> {
        self.stream.write_all(&frame::framed(request)?)?;
        let mut header = [0; frame::HEADER];
        self.stream.read_exact(&mut header)?;
        let mut message = vec![0; frame::length(header)?];
        self.stream.read_exact(&mut message)?;
        let answer = serde_json::from_slice(&message);
        Ok(answer.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?)
    }
}

fn unexpected(answer: Answer) -> AdminError {
    match answer {
        Answer::Refused(reason) => AdminError::Refused(reason),
        _ => AdminError::Failed(io::Error::new(ErrorKind::InvalidData, "an answer to something else")),
    }
}
