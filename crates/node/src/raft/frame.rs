//! Frames: a version byte, a length (u32, big-endian), and that many bytes. The length is checked before anything is
//! allocated or read.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// The version of the nodes' protocol. The head of a frame and [`super::message::Refusal`] stay as they are in each.
pub(crate) const PROTOCOL: u8 = 1;

/// The longest frame: a few large entries or one piece of a snapshot.
pub(crate) const LONGEST: u32 = 16 << 20;

/// Why a frame could not be read.
#[derive(Debug)]
pub(crate) enum FrameError {
    /// The connection failed or ended in the middle.
    Io(io::Error),
    /// The connection ended between two frames.
    Ended,
    /// The peer speaks this version of the protocol.
    Version(u8),
    /// A frame of this length was announced.
    TooLong(u32),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::Io(error) => write!(f, "the connection failed: {error}"),
            FrameError::Ended => f.write_str("the connection was closed"),
            FrameError::Version(version) => {
                write!(f, "the peer speaks version {version} of the protocol, this node version {PROTOCOL}")
            }
            FrameError::TooLong(length) => {
                write!(f, "the peer announced {length} bytes, more than {LONGEST}")
            }
        }
    }
}

impl std::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> FrameError {
        FrameError::Io(error)
    }
}

/// Reads the head of a frame; answers the length of its body, which is not above [`LONGEST`].
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<u32, FrameError> {
    let version = match stream.read_u8().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(FrameError::Ended),
        version => version?,
    };
    if version != PROTOCOL {
        return Err(FrameError::Version(version));
    }
    match stream.read_u32().await? {
        length if length > LONGEST => Err(FrameError::TooLong(length)),
        length => Ok(length),
    }
}

/// Reads the body of a frame; wiped, as what it says may be secret.
pub(crate) async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    length: u32,
) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let mut body = Zeroizing::new(vec![0; length as usize]);
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// Writes a frame.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LONGEST);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a message is too long"))?;
    // One write, one packet where it fits.
    let mut frame = Zeroizing::new(Vec::with_capacity(body.len().saturating_add(5)));
    frame.push(PROTOCOL);
    frame.extend(length.to_be_bytes());
    frame.extend(body);
    stream.write_all(&frame).await?;
    stream.flush().await
}
