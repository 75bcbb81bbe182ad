//! Frames: the length of a message as 4 bytes, big-endian, then the message.

use crate::error::{Error, Result};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Most bytes of one message: its data, and room for a capsule and parameters beside it.
pub const LIMIT: usize = super::DATA_LIMIT + (4 << 20);

/// Bytes of the length.
pub const HEADER: usize = 4;

/// A message up to this size is written along with its header.
const ONE_PIECE: usize = 64 << 10;

/// The length that a header tells; `None` for one beyond the limit, or of no byte at all, before anything more is read.
pub fn length(header: [u8; HEADER]) -> Option<usize> {
    let length = usize::try_from(u32::from_be_bytes(header)).ok()?;
    (1..=LIMIT).contains(&length).then_some(length)
}

/// The header of a message; `DataLenRange` for one that no frame can hold.
pub fn header(message: &[u8]) -> Result<[u8; HEADER]> {
    let length = u32::try_from(message.len()).map_err(|_| Error::DataLenRange)?;
    let header = length.to_be_bytes();
    if self::length(header).is_some() { Ok(header) } else { Err(Error::DataLenRange) }
}

/// Writes one frame. `header`: that of `message`.
pub fn write(stream: &mut impl Write, header: [u8; HEADER], message: &[u8]) -> io::Result<()> {
    // In one piece where that costs little: for two, whoever reads wakes up twice.
    if message.len() <= ONE_PIECE {
        let mut whole = Zeroizing::new(Vec::with_capacity(header.len() + message.len()));
        whole.extend_from_slice(&header);
        whole.extend_from_slice(message);
        stream.write_all(&whole)?;
    } else {
        stream.write_all(&header)?;
        stream.write_all(message)?;
    }
    stream.flush()
}

/// Reads one frame: the message, which may hold secrets.
pub fn read(stream: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let length = length(header).ok_or(io::ErrorKind::InvalidData)?;
    let mut message = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut message)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_is_written() {
        let mut stream = Vec::new();
        write(&mut stream, header(b"one").unwrap(), b"one").unwrap();
        assert_eq!(stream, b"\0\0\0\x03one");
        write(&mut stream, header(b"x").unwrap(), b"x").unwrap();
        let mut stream = &stream[..];
        assert_eq!(&**read(&mut stream).unwrap(), b"one");
        assert_eq!(&**read(&mut stream).unwrap(), b"x");
        assert_eq!(read(&mut stream).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_length_beyond_the_limit_or_of_nothing_is_refused_before_more_is_read() {
        let limit = u32::try_from(LIMIT).unwrap();
        assert_eq!(length(limit.to_be_bytes()), Some(LIMIT));
        for wrong in [0, limit + 1, u32::MAX] {
            assert_eq!(length(wrong.to_be_bytes()), None);
            let mut stream = &wrong.to_be_bytes()[..];
            assert_eq!(read(&mut stream).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        assert_eq!(header(&[]), Err(Error::DataLenRange));
        assert_eq!(header(&vec![0; LIMIT + 1]), Err(Error::DataLenRange));
        assert!(header(&vec![0; LIMIT]).is_ok());
    }

    #[test]
    fn a_frame_cut_short_is_an_end_too_soon() {
        for cut in [&b"\0\0"[..], b"\0\0\0\x03on"] {
            assert_eq!(read(&mut &cut[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
